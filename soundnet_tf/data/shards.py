"""One shard: the videos that belong to it, the file, and the JSON that says it is finished."""

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace

import tensorflow as tf

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data import manifest, records
from soundnet_tf.data.clips import ClipRecord, LeftOut, Run, Video
from soundnet_tf.data.manifest import Labelling, Manifest, Shard, Skipped, Split
from soundnet_tf.files import atomic, storage

_DIGEST_BLOCK_BYTES = 1 << 20
_PENDING = ".json.pending"

Results = Iterator[tuple[Run, tuple[ClipRecord | LeftOut, ...]]]


@dataclass(frozen=True)
class ShardPlan:
    """What a shard is to hold: the file's name and its videos in order."""

    name: str
    split: str
    videos: tuple[Video, ...]


@dataclass
class _Tally:
    videos: int = 0
    clips: int = 0
    samples: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    left_out: list[dict] = field(default_factory=list)


def write_shard(directory: str, plan: ShardPlan, settings: dict, results: Results) -> None:
    """Writes a shard and then its JSON, each under a temporary name that is renamed.

    Args:
        directory: the folder of the shards.
        plan: what the shard holds.
        settings: kept in the JSON, for `finished`.
        results: runs of the plan's videos in the plan's order; exactly those are consumed.
    """
    path = os.path.join(directory, plan.name)
    tally = _Tally()
    with atomic.new_file(path) as temporary:
        with tf.io.TFRecordWriter(temporary) as writer:
            for video in plan.videos:
                _write_video(writer, video, results, tally)
        shard = Shard(
            name=plan.name,
            videos=tally.videos,
            clips=tally.clips,
            seconds=tally.samples / SAMPLE_RATE,
            bytes=storage.size(temporary),
            sha256=_sha256(temporary),
        )
        storage.remove(_json_path(directory, plan.name))  # of an earlier shard, whole until here
    content = {
        "settings": settings,
        "inputs": _inputs(plan),
        "shard": asdict(shard),
        "skipped": [asdict(skipped) for skipped in tally.skipped],
        "left_out": tally.left_out,
    }
    atomic.write_json(_json_path(directory, plan.name), content, **manifest.JSON_FORM)


def rewrite_shard(
    directory: str, shard: Shard, clips: Iterable[ClipRecord], teachers: Mapping[str, Labelling]
) -> None:
    """Writes the clips of a shard anew, with posteriors, and then its JSON; as `write_shard`.

    No JSON ever stands beside a shard that is not its own. While the shard is replaced, a hidden
    file has both, the JSON of the old one and of the new; see `settle`.

    Args:
        directory: the folder of the shards.
        shard: what its JSON says of it.
        clips: all its clips in their order, with posteriors; they may be read from the shard.
        teachers: who labelled them, by head.

    Raises:
        ValueError: the clips are not as many as the shard should have.
    """
    path = os.path.join(directory, shard.name)
    count = 0
    with atomic.new_file(path) as temporary:
        with tf.io.TFRecordWriter(temporary) as writer:
            for clip in clips:
                writer.write(records.encode(clip))
                count += 1
        if count != shard.clips:
            raise ValueError(
                f"{path} has {count} clips, not the {shard.clips} it was written with; remove it "
                "and prepare it again"
            )
        labelled = replace(
            shard,
            bytes=storage.size(temporary),
            sha256=_sha256(temporary),
            teachers=dict(teachers),
        )
        before = _content(directory, shard.name)
        after = before | {"shard": asdict(labelled)}
        pending = _pending_path(directory, shard.name)
        atomic.write_json(pending, [before, after], **manifest.JSON_FORM)
        storage.remove(_json_path(directory, shard.name))
    atomic.write_json(_json_path(directory, shard.name), after, **manifest.JSON_FORM)
    storage.remove(pending)


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
        content = _read(directory, name)
        if content is not None:
            atomic.write_json(_json_path(directory, name), content, **manifest.JSON_FORM)
        storage.remove(_pending_path(directory, name))


def refreshed(known: Manifest) -> Manifest:
    """A manifest with what the shards' own JSONs say, which know first when they are labelled.

    Raises:
        FileNotFoundError: a shard has no JSON.
    """
    splits = {}
    for name, split in known.splits.items():
        contents = [_content(known.directory, shard.name) for shard in split.shards]
        splits[name] = Split.of(tuple(Shard(**content["shard"]) for content in contents))
    return replace(known, splits=splits)


def finished(directory: str, plan: ShardPlan, settings: dict) -> dict | None:
    """The JSON of a shard that needs no work; None if it must be written (again)."""
    content = _read(directory, plan.name)
    if content is None or content["settings"] != settings or content["inputs"] != _inputs(plan):
        return None
    if storage.size(os.path.join(directory, plan.name)) != content["shard"]["bytes"]:
        return None
    return content


def settings_found(directory: str) -> Iterator[dict]:
    """Settings of every finished shard in the folder."""
    for path in storage.glob(os.path.join(directory, "*-of-*.json")):
        yield atomic.read_json(path)["settings"]


def _write_video(writer, video: Video, results: Results, tally: _Tally) -> None:
    """Writes the clips of one video: the runs up to its last one."""
    clips_before, left_out = tally.clips, []
    for run, outcomes in results:
        for outcome in outcomes:
            if isinstance(outcome, LeftOut):
                left_out.append({"video_id": video.id, **asdict(outcome)})
                continue
            writer.write(records.encode(outcome))
            tally.clips += 1
            tally.samples += outcome.sample_count
        if run.last:
            break
    if tally.clips > clips_before:
        tally.videos += 1
        tally.left_out += left_out
    else:
        reasons = dict.fromkeys(clip["reason"] for clip in left_out)
        tally.skipped.append(Skipped(video.id, "; ".join(reasons)))


def _inputs(plan: ShardPlan) -> list[dict]:
    return [{"video_id": video.id, "bytes": video.size} for video in plan.videos]


def _content(directory: str, name: str) -> dict:
    content = _read(directory, name)
    if content is None:
        raise FileNotFoundError(
            f"{_json_path(directory, name)} is missing; prepare {directory} again"
        )
    return content


def _read(directory: str, name: str) -> dict | None:
    """The JSON of a shard; of one that is being replaced, or was when its run was killed, the one
    that fits the file."""
    path = _json_path(directory, name)
    content = atomic.read_json(path)
    if content is not None:
        return content
    pending = atomic.read_json(_pending_path(directory, name))
    if pending is None:
        return atomic.read_json(path)  # another part may have ended in between
    shard = os.path.join(directory, name)
    digest = _sha256(shard) if storage.exists(shard) else None
    return next((c for c in pending if c["shard"]["sha256"] == digest), None)


def _json_path(directory: str, name: str) -> str:
    return os.path.join(directory, name.removesuffix(".tfrecord") + ".json")


def _pending_path(directory: str, name: str) -> str:
    return os.path.join(directory, f".{name.removesuffix('.tfrecord')}{_PENDING}")


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with storage.open_file(path, "rb") as file:
        while block := file.read(_DIGEST_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
