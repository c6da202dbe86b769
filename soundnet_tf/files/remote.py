"""Objects in buckets (s3://, gs://) by obstore, with Python's errors; else see `storage`.

TensorFlow never sees such a path: it would need tensorflow-io, which knows no newer TensorFlow than
2.17 and aborts the process at its exit, whatever became of the work. What other libraries write
goes to a local file first (`upload`), what they read comes to one (`download`).

A bucket has no folders: one is there as long as a file is in it, and making one does nothing.
"memory://NAME/..." is a bucket in this process's memory, for tests.
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

_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "GOOGLE_BASE_URL")
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
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
_CHUNK_BYTES = 1 << 23


def head(path: str) -> tuple[int, int, str | None] | None:
    """Bytes, time of change in nanoseconds since 1970, and tag of the content; None if there is no
    such object."""
    with _errors(path) as (obstore, bucket, key):
        if key:
            with contextlib.suppress(FileNotFoundError):
                found = obstore.head(bucket, key)
                microseconds = (found["last_modified"] - _EPOCH) // datetime.timedelta(
                    microseconds=1
                )
                return found["size"], microseconds * 1000, found["e_tag"]
        # What is not there has no text that says whether its bucket is.
        next(iter(obstore.list(bucket, key or None, chunk_size=1)), None)
    return None


def is_folder(path: str) -> bool:
    """Whether there is something below `path`; a bucket is a folder too."""
    with _errors(path) as (obstore, bucket, key):
        first = next(iter(obstore.list(bucket, key or None, chunk_size=2)), [])
        return not key or any(found["path"] != key for found in first)


def list_folder(path: str) -> list[str]:
    """Names of what is in a folder, sorted. FileNotFoundError if there is none."""
    with _errors(path) as (obstore, bucket, key):
        found = obstore.list_with_delimiter(bucket, key or None)
        paths = {*found["common_prefixes"], *(one["path"] for one in found["objects"])} - {key}
        if key and not paths:
            raise FileNotFoundError(errno.ENOENT, "no such folder", path)
        return sorted(one.rstrip("/").rpartition("/")[2] for one in paths)


def files_below(path: str) -> list[str]:
    """Paths of all objects below a folder, sorted; FileNotFoundError if there are none."""
    with _errors(path) as (obstore, bucket, key):
        found = {
            one["path"]: one["size"] for chunk in obstore.list(bucket, key or None) for one in chunk
        }
        # Some programs put an empty object in the place of a folder.
        folders = {above for one in found for above in _above(one)}
        files = [one for one, size in found.items() if size or one not in folders | {key}]
        if key and not files:
            raise FileNotFoundError(errno.ENOENT, "no such folder", path)
        base = path.rstrip("/").removesuffix(key)
        return sorted(f"{base.rstrip('/')}/{one}" for one in files)


def read_range(path: str, start: int, stop: int, tag: str | None) -> bytes:
    """Some bytes of the object whose content has this tag; another content is an OSError."""
    with _errors(path) as (obstore, bucket, key):
        options: dict[str, Any] = {"range": (start, stop)}
        if tag and not path.startswith("memory:"):  # whose tags obstore does not find itself
            options["if_match"] = tag
        return bytes(obstore.get(bucket, key, options=options).bytes())


def read_bytes(path: str) -> bytes:
    """All of an object."""
    with _errors(path) as (obstore, bucket, key):
        return bytes(obstore.get(bucket, key).bytes())


def write_bytes(path: str, content: bytes) -> None:
    """An object that is whole or not there."""
    with _errors(path) as (obstore, bucket, key):
        obstore.put(bucket, key, content)


def upload(local: str, path: str) -> None:
    """A local file becomes an object that is whole or not there."""
    with open(local, "rb") as file, _errors(path) as (obstore, bucket, key):
        obstore.put(bucket, key, file, chunk_size=_CHUNK_BYTES)


def download(path: str, local: str) -> None:
    """An object becomes a local file."""
    with open(local, "wb") as file, _errors(path) as (obstore, bucket, key):
        found = obstore.get(bucket, key)
        for chunk in found.stream(min_chunk_size=_CHUNK_BYTES):
            file.write(chunk)
        if file.tell() != found.meta["size"]:
            raise OSError(
                errno.EIO, f"{file.tell()} of {found.meta['size']} bytes came; try again", path
            )


def copy(source: str, target: str) -> None:
    """Within one bucket on the server, else by way of this machine."""
    if _parts(source)[:2] != _parts(target)[:2]:
        write_bytes(target, read_bytes(source))
        return
    with _errors(source) as (obstore, bucket, key):
        obstore.copy(bucket, key, _parts(target)[2])


def remove(*paths: str) -> None:
    """Removes objects of one bucket, those that are there."""
    if not paths:
        return
    with _errors(paths[0]) as (obstore, bucket, _), contextlib.suppress(FileNotFoundError):
        obstore.delete(bucket, [_parts(path)[2] for path in paths])


@contextlib.contextmanager
def _errors(path: str) -> Iterator[tuple[Any, Any, str]]:
    """Gives obstore, the bucket and the key of a path; errors about them become Python's."""
    scheme, name, key = _parts(path)
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
    scheme, name, _ = _parts(path)
    said = str(error)
    place = next(filter(None, map(os.environ.get, _ENDPOINTS)), f"{scheme}:// (no endpoint is set)")
    if _NO_BUCKET.search(said):
        number, reason = (
            errno.ENODEV,
            f"there is no bucket {name} at {place}; create it, or "
            + ("correct the path or the endpoint"),
        )
    elif number == errno.EACCES:
        reason = f"access denied ({_code(said)}); check the credentials, see docs/buckets.md"
    elif "error sending request" in said or "builder error" in said:
        reason = f"{place} cannot be reached; check the endpoint and the network"
    else:
        reason = f"{said.splitlines()[0]}; see docs/buckets.md"
    raise OSError(number, reason, path) from error


def _code(said: str) -> str:
    found = re.search(r"<Code>(\w+)</Code>", said) or re.search(r"status code: (\d+ \w+)", said)
    return found[1] if found else said.splitlines()[0]


def _above(key: str) -> list[str]:
    parts = key.split("/")
    return ["/".join(parts[:i]) for i in range(1, len(parts))]


def _parts(path: str) -> tuple[str, str, str]:
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
    endpoints = [os.environ.get(endpoint, "") for endpoint in _ENDPOINTS]
    client = _CLIENT | {"allow_http": any(url.startswith("http://") for url in endpoints)}
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
