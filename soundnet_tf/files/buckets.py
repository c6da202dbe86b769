"""Which bucket a path names, by what credentials it is opened, and its errors as Python's.

Buckets are s3:// (Amazon's, or whatever AWS_ENDPOINT_URL names) and gs://; docs/buckets.md has the
settings. "memory://NAME/..." is one in this process's memory, for tests.
"""

import contextlib
import datetime
import errno
import functools
import os
import re
from collections.abc import Iterator
from typing import Any, NoReturn

SCHEMES = ("s3", "gs", "memory")

_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "gs": ("GOOGLE_BASE_URL",),
    "memory": (),
}
_NO_BUCKET = re.compile(r"NoSuchBucket|bucket does not exist")
# A wrong address fails within a second or two, one that never answers after some twenty. A read or
# part of an upload that stalls is begun again.
_CLIENT = {"connect_timeout": "4s", "read_timeout": "20s", "timeout": "1h"}
_RETRY = {
    "max_retries": 5,
    "retry_timeout": datetime.timedelta(seconds=15),
    "backoff": {
        "init_backoff": datetime.timedelta(seconds=0.2),
        "max_backoff": datetime.timedelta(seconds=5),
        "base": 2,
    },
}


@contextlib.contextmanager
def opened(path: str) -> Iterator[tuple[Any, Any, str]]:
    """Gives obstore, the bucket and the key of a path; errors about them become Python's."""
    scheme, name, key = parts(path)
    bucket = _bucket(scheme, name)
    import obstore

    known = obstore.exceptions
    try:
        yield obstore, bucket, key
    except FileNotFoundError as error:
        if _NO_BUCKET.search(str(error)):
            _refuse(path, error, errno.ENODEV)
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from error
    except (known.PermissionDeniedError, known.UnauthenticatedError) as error:
        _refuse(path, error, errno.EACCES)
    except known.PreconditionError as error:
        raise OSError(errno.ESTALE, "it was replaced while it was read; try again", path) from error
    except (known.BaseError, ValueError) as error:
        _refuse(path, error, errno.EIO)


def _refuse(path: str, error: Exception, number: int) -> NoReturn:
    """One sentence of what obstore says in many lines, and what to do."""
    scheme, name, _ = parts(path)
    said = str(error)
    place = _endpoint(scheme) or f"{scheme}:// (no endpoint is set)"
    if _NO_BUCKET.search(said):
        number = errno.ENODEV
        reason = f"there is no bucket {name} at {place}; create it, or correct the path or endpoint"
    elif number == errno.EACCES:
        reason = f"access denied ({_code(said)}); check the credentials, see docs/buckets.md"
    elif "error sending request" in said or "builder error" in said:
        reason = f"{place} cannot be reached; check the endpoint and the network"
    else:
        reason = f"{said.splitlines()[0]}; see docs/buckets.md"
    raise OSError(number, reason, path) from error


def _endpoint(scheme: str) -> str:
    """That the environment names; empty if it names none."""
    return next(filter(None, map(os.environ.get, _ENDPOINTS[scheme])), "")


def _code(said: str) -> str:
    found = re.search(r"<Code>(\w+)</Code>", said) or re.search(r"status code: (\d+ \w+)", said)
    return found[1] if found else said.splitlines()[0]


def parts(path: str) -> tuple[str, str, str]:
    """Scheme, bucket and key of a path."""
    path = os.fsdecode(path)
    scheme, _, rest = path.partition("://")
    name, *parts = rest.split("/")
    if scheme not in SCHEMES:
        raise OSError(
            errno.EPROTONOSUPPORT,
            f"{scheme}:// is not read; download it first, or put it into a bucket (s3://, gs://)",
            path,
        )
    if not name:
        raise OSError(errno.EINVAL, f"it names no bucket; write {scheme}://BUCKET/PATH", path)
    return scheme, name, "/".join(filter(None, parts))


@functools.cache
def _bucket(scheme: str, name: str):
    try:
        from obstore.store import GCSStore, MemoryStore, S3Store
    except ImportError as error:
        raise ImportError(
            f"{scheme}:// needs obstore ({error}): pip install 'soundnet-tf[{scheme}]'"
        ) from error
    if scheme == "memory":
        return MemoryStore()
    client = _CLIENT | {"allow_http": _endpoint(scheme).startswith("http://")}
    options: dict[str, Any] = {"client_options": client, "retry_config": _RETRY}
    if scheme == "gs":
        return GCSStore(name, **options)
    return S3Store(name, credential_provider=_s3_credentials(name), **options)


def _s3_credentials(name: str):
    """Those that the aws program would take: environment, profiles, roles of the machine."""
    try:
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError as error:
        raise ImportError(f"s3:// needs boto3 ({error}): pip install 'soundnet-tf[s3]'") from error
    try:
        return Boto3CredentialProvider()
    except Exception as error:  # of botocore's profiles, roles and sessions any
        raise PermissionError(
            errno.EACCES,
            f"there are no credentials ({error}); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or AWS_PROFILE, see docs/buckets.md",
            f"s3://{name}",
        ) from error
