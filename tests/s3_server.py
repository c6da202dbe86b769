"""A real S3 server on loopback for tests: a process of its own on a free port, ended by its handle.

It speaks the XML that Google's store speaks too, so it stands for that as well.
"""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from unittest import mock

import boto3

from soundnet_tf.files import buckets

KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
NO_OTHERS = {
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Its address, for the `with` block, in which it is also in the environment with keys."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            said = iter(process.stderr.readline, "")
            address = next(filter(None, (re.search(r"http://127\.0\.0\.1:\d+", s) for s in said)))[
                0
            ]
            # What it says of each request would fill the pipe.
            drained = subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL)
            google = {"GOOGLE_BASE_URL": address, "GOOGLE_SKIP_SIGNATURE": "true"}
            environment = {"AWS_ENDPOINT_URL": address, **KEYS, **NO_OTHERS, **google}
            with mock.patch.dict("os.environ", environment):
                buckets._bucket.cache_clear()
                yield address
        finally:
            process.kill()
            process.wait()
            drained.wait()
            buckets._bucket.cache_clear()


def make_bucket(name: str) -> None:
    boto3.client("s3").create_bucket(Bucket=name)


def keys(name: str) -> list[str]:
    """Of all objects in a bucket, by another client than the one under test."""
    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=name)
    return [found["Key"] for page in pages for found in page.get("Contents", ())]
