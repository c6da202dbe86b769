"""When a file is the one that it was."""

import hashlib
import os
import secrets

import pytest

from soundnet_tf.files import identity, storage
from soundnet_tf.files.identity import Identity, identities_of, identity_of

TIME = 1_700_000_000_123_456_789


@pytest.fixture
def path(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    os.utime(tmp_path / "x", ns=(1, TIME))
    return str(tmp_path / "x")


def test_size_and_time_to_the_nanosecond_and_content_on_wish(path):
    assert identity_of(path) == Identity(3, TIME)
    assert identity_of(path, checksum=True) == Identity(3, TIME, hashlib.sha256(b"abc").hexdigest())


def test_what_is_no_file_has_no_bytes(tmp_path):
    os.symlink("loop", tmp_path / "loop")
    for name in ("gone", "loop", ""):
        assert identity_of(str(tmp_path / name), checksum=True) == Identity()


def test_a_remote_file_has_what_its_store_knows():
    path = f"memory://identity-{secrets.token_hex(4)}/x"
    with storage.open_file(path, "wb") as file:
        file.write(b"abc")
    found = identity_of(path, checksum=True)
    assert (found.bytes, found.sha256) == (3, hashlib.sha256(b"abc").hexdigest())
    assert found.modified_ns == storage.modified_ns(path)


@pytest.mark.parametrize(
    ("now", "known", "expected"),
    [
        (Identity(3, TIME), Identity(3, TIME), True),
        (Identity(3, TIME), Identity(3, TIME, "a"), True),
        (Identity(3, TIME + 1), Identity(3, TIME), False),
        (Identity(4, TIME), Identity(3, TIME), False),
        (Identity(3, TIME), Identity(3), False),
        (Identity(3, TIME), None, False),
        (Identity(3, TIME, "a"), Identity(3, TIME + 1, "a"), True),
        (Identity(3, TIME, "a"), Identity(3, TIME, "b"), False),
        (Identity(3, TIME, "a"), Identity(3, TIME), False),
        (Identity(), Identity(), True),
    ],
)
def test_the_same_and_what_nobody_knows(now, known, expected):
    assert now.is_that_of(known) is expected


@pytest.mark.parametrize("known", [Identity(), Identity(3, TIME), Identity(3, 0, "ab")])
def test_what_is_noted_is_read(known):
    assert Identity.from_text(known.as_text()) == known
    assert Identity.from_fields({"video_id": "x", **known.as_fields()}) == known
    assert Identity.from_text("") is None
    assert Identity(3, TIME).as_text() == "3 1700000000123456789 -"
    assert Identity(3, TIME).as_fields() == {"bytes": 3, "modified_ns": TIME}


def test_of_many(path, tmp_path):
    paths = {name: str(tmp_path / name) for name in ("x", "gone")}
    for checksum in (False, True):
        found = identities_of(paths, checksum)
        assert found == {name: identity_of(paths[name], checksum) for name in paths}
    assert list(found) == ["x", "gone"]


def test_one_text_for_many():
    """Of contents alone where there are checksums; names count, their order does not."""
    one, other = Identity(3, TIME), Identity(4, TIME)
    both = identity.digest({"a": one, "b": other})
    assert both == identity.digest({"b": other, "a": one})
    assert len({both, identity.digest({"a": other, "b": one}), identity.digest({"a": one})}) == 3
    touched = Identity(3, TIME + 1, "a")
    assert identity.digest({"a": Identity(3, TIME, "a")}) == identity.digest({"a": touched})
    assert identity.digest({"a": one}) != identity.digest({"a": Identity(3, TIME + 1)})
