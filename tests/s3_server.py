"""A real S3 server on loopback for tests: a process of its own on a free port, ended by its handle.

It speaks the XML that Google's store speaks too, so it stands for that as well.
"""

import contextlib
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator

import boto3

# What else a machine may have of credentials is left out.
_NO_OTHERS = {
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Its address, for the `with` block."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            said = iter(process.stderr.readline, "")
            found = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in said)
            address = next(filter(None, found))[0]
            # What it says of each request would fill the pipe.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield address
        finally:
            process.kill()


def environment(address: str) -> dict[str, str]:
    """By which both kinds of buckets are found there, and nothing else is."""
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
    google = {"GOOGLE_BASE_URL": address, "GOOGLE_BEARER_TOKEN": "x"}
    return {"AWS_ENDPOINT_URL": address, **keys, **google, **_NO_OTHERS}


def new_bucket(address: str) -> str:
    """The name of a bucket that nobody has used in this process."""
    name = f"soundnet{secrets.token_hex(4)}"  # moto does not read %2D
    _client(address).create_bucket(Bucket=name)
    return name


def remove_bucket(address: str, name: str) -> None:
    """With all that is in it."""
    for key in keys(address, name):
        _client(address).delete_object(Bucket=name, Key=key)
    _client(address).delete_bucket(Bucket=name)


def put(address: str, name: str, key: str, content: bytes) -> None:
    _client(address).put_object(Bucket=name, Key=key, Body=content)


def keys(address: str, name: str) -> list[str]:
    """Of all objects in a bucket, by another client than the one under test."""
    pages = _client(address).get_paginator("list_objects_v2").paginate(Bucket=name)
    return [found["Key"] for page in pages for found in page.get("Contents", ())]


def _client(address: str):
    return boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
