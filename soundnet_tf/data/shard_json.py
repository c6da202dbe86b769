"""The JSON beside a shard: what it was made of, and what it holds. Never one of another's bytes.

While a shard is replaced whose JSON is to live on, that is out of the way, and a hidden file has
both, the old one and the new; see `settle`.
"""

import os
from collections.abc import Collection, Iterator, Mapping

from soundnet_tf.data import manifest
from soundnet_tf.files import atomic, identity, storage
from soundnet_tf.files.identity import Identity

_PENDING = ".json.pending"


def read(directory: str, name: str) -> dict | None:
    """The JSON of a shard; of one that is being replaced, or was when its run was killed, the one
    that fits the file."""
    path = _path(directory, name)
    content = _known(path)
    if content is not None:
        return content
    pending = atomic.read_json(_pending_path(directory, name))
    if pending is None:
        return _known(path)  # another part may have ended in between
    shard = os.path.join(directory, name)
    digest = identity.sha256(shard) if storage.exists(shard) else None
    return next((c for c in pending if c["shard"]["sha256"] == digest), None)


def read_known(directory: str, name: str) -> dict:
    """As `read`; FileNotFoundError if there is none."""
    content = read(directory, name)
    if content is None:
        raise FileNotFoundError(f"{_path(directory, name)} is missing; prepare {directory} again")
    return content


def write(directory: str, name: str, content: Mapping) -> None:
    """Writes the JSON of a shard that stands in its place."""
    atomic.write_json(_path(directory, name), content, **manifest.JSON_FORM)
    storage.remove(_pending_path(directory, name))


def remove(directory: str, name: str, before: Mapping = {}, after: Mapping = {}) -> None:
    """Removes the JSON of a shard that is about to be replaced; `before` and `after`, if they are
    given, are kept for `settle` until `write` is called."""
    if before and after:
        pending = _pending_path(directory, name)
        atomic.write_json(pending, [before, after], **manifest.JSON_FORM)
    storage.remove(_path(directory, name))


def settle(directory: str, names: Collection[str] | None = None) -> None:
    """Gives shards their JSONs again that were being replaced when a run was killed.

    Args:
        directory: the folder of the shards.
        names: of the shards that nobody else is writing; None: of all.
    """
    if not storage.is_folder(directory):
        return
    for hidden in storage.list_folder(directory):
        name = hidden.removeprefix(".").removesuffix(_PENDING) + ".tfrecord"
        if not hidden.endswith(_PENDING) or (names is not None and name not in names):
            continue
        content = read(directory, name)
        if content is not None:
            write(directory, name, content)
        storage.remove(_pending_path(directory, name))


def files_of(name: str) -> tuple[str, str, str]:
    """Names of the files that may be written for a shard."""
    return name, os.path.basename(_path("", name)), os.path.basename(_pending_path("", name))


def settings_found(directory: str) -> Iterator[dict]:
    """Settings of every finished shard in the folder, which may not be there."""
    if not storage.is_folder(directory):
        return
    for name in storage.list_folder(directory):  # a pattern would take a "[" for its own
        if "-of-" in name and name.endswith(".json"):
            content = _known(os.path.join(directory, name))
            if content is not None:  # else it is being replaced
                yield content["settings"]


def known_videos(content: Mapping) -> dict[str, Identity]:
    """Which videos were to be in a shard, by what its JSON says."""
    return {video["video_id"]: Identity.from_fields(video) for video in content["inputs"]}


def _known(path: str) -> dict | None:
    """What a shard's JSON says; ValueError if that is not what a shard's JSON says."""
    content = atomic.read_json(path)
    if content is None:
        return None
    try:
        manifest.Shard(**content["shard"])
        known_videos(content), content["settings"].items()
        [manifest.Skipped(**skipped) for skipped in content["skipped"]]
        [clip["reason"] for clip in content["left_out"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} does not tell of a shard ({error!r}); remove it and prepare its folder again"
        ) from error
    return content


def _path(directory: str, name: str) -> str:
    return os.path.join(directory, name.removesuffix(".tfrecord") + ".json")


def _pending_path(directory: str, name: str) -> str:
    return os.path.join(directory, f".{name.removesuffix('.tfrecord')}{_PENDING}")
