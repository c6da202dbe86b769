"""One shard: the videos that belong to it, the file, and the JSON that says it is finished."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data import records, shard_json
from soundnet_tf.data.clips import ClipRecord, LeftOut, OutOfReach, Run, Video
from soundnet_tf.data.kept import Kept, clips_by_video
from soundnet_tf.data.manifest import Labelling, Manifest, Shard, Skipped, Split, Taken
from soundnet_tf.data.shard_writer import ShardWriter
from soundnet_tf.files import atomic, identity, storage

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
    clip_bytes: list[int] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    left_out: list[dict] = field(default_factory=list)
    streams: list[Taken] = field(default_factory=list)
    out_of_reach: set[str] = field(default_factory=set)  # ids of videos


def write_shard(
    directory: str, plan: ShardPlan, settings: dict, results: Results, kept: Kept | None = None
) -> None:
    """Writes a shard and then its JSON, each under a temporary name that is renamed.

    Args:
        directory: the folder of the shards.
        plan: what the shard holds.
        settings: kept in the JSON, for `finished`.
        results: runs of the plan's videos in the plan's order, but for those that are kept; exactly
            those are consumed.
        kept: as of `kept.kept_of`; None: nothing.
    """
    path = os.path.join(directory, plan.name)
    kept = kept or Kept(path)
    tally, clips_before = _Tally(), clips_by_video(kept)
    with atomic.new_file(path) as temporary:
        with ShardWriter(temporary) as writer:
            for video in plan.videos:
                if video.id in kept.videos:
                    _write_kept(writer, video.id, kept, clips_before, tally)
                else:
                    _write_video(writer, video, results, tally)
        shard = Shard(
            name=plan.name,
            videos=tally.videos,
            clips=tally.clips,
            seconds=tally.samples / SAMPLE_RATE,
            bytes=storage.size(temporary),
            sha256=identity.sha256(temporary),
        )
        shard_json.remove(directory, plan.name)  # of an earlier shard, whole until here
    content = {
        "settings": settings,
        "inputs": _inputs(plan),
        "shard": asdict(shard),
        "clip_bytes": tally.clip_bytes,
        "skipped": [asdict(skipped) for skipped in tally.skipped],
        "left_out": tally.left_out,
        "streams": [asdict(taken) for taken in tally.streams],
        **_unsure(plan, tally.out_of_reach),
    }
    shard_json.write(directory, plan.name, content)


def rewrite_shard(
    directory: str, shard: Shard, clips: Iterable[ClipRecord], teachers: Mapping[str, Labelling]
) -> None:
    """Writes the clips of a shard anew, with posteriors, and then its JSON; as `write_shard`.

    No JSON ever stands beside a shard that is not its own. While the shard is replaced, a hidden
    file has both, the JSON of the old one and of the new; see `shard_json.settle`.

    Args:
        directory: the folder of the shards.
        shard: what its JSON says of it.
        clips: all its clips in their order, with posteriors; they may be read from the shard.
        teachers: who labelled them, by head.

    Raises:
        ValueError: the clips are not as many as the shard should have.
    """
    path = os.path.join(directory, shard.name)
    clip_bytes = []
    with atomic.new_file(path) as temporary:
        with ShardWriter(temporary) as writer:
            for serialized in map(records.encode, clips):
                writer.write(serialized)
                clip_bytes.append(len(serialized))
        if len(clip_bytes) != shard.clips:
            raise ValueError(
                f"{path} has {len(clip_bytes)} clips, not the {shard.clips} it was written with; "
                "remove it and prepare it again"
            )
        labelled = replace(
            shard,
            bytes=storage.size(temporary),
            sha256=identity.sha256(temporary),
            teachers=dict(teachers),
        )
        before = shard_json.read_known(directory, shard.name)
        after = before | {"shard": asdict(labelled), "clip_bytes": clip_bytes}
        shard_json.remove(directory, shard.name, before, after)
    shard_json.write(directory, shard.name, after)


def refreshed(known: Manifest) -> Manifest:
    """A manifest with what the shards' own JSONs say, which know first when they are labelled.

    Raises:
        FileNotFoundError: a shard has no JSON.
    """
    splits = {}
    for name, split in known.splits.items():
        contents = [shard_json.read_known(known.directory, shard.name) for shard in split.shards]
        splits[name] = Split.of(tuple(Shard(**content["shard"]) for content in contents))
    return replace(known, splits=splits)


def finished(directory: str, plan: ShardPlan, settings: dict) -> dict | None:
    """The JSON of a shard that needs no work; None if it must be written (again)."""
    content = shard_json.read(directory, plan.name)
    if content is None or content["settings"] != settings:
        return None
    known = shard_json.known_videos(content)
    if [video.id for video in plan.videos] != [*known]:
        return None
    if not all(video.identity.is_that_of(known[video.id]) for video in plan.videos):
        return None
    if storage.size(os.path.join(directory, plan.name)) != content["shard"]["bytes"]:
        return None
    return content


def _write_video(writer, video: Video, results: Results, tally: _Tally) -> None:
    """Writes the clips of one video: the runs up to its last one."""
    clips_before, left_out = tally.clips, []
    for run, outcomes in results:
        for outcome in outcomes:
            if isinstance(outcome, OutOfReach):
                tally.out_of_reach.add(video.id)
            if isinstance(outcome, LeftOut):
                left_out.append({"video_id": video.id, **asdict(outcome)})
                continue
            _write_clip(writer, outcome, tally)
        if run.last:
            if run.streams:
                tally.streams.append(Taken(video.id, **asdict(run.streams)))
            break
    if tally.clips > clips_before:
        tally.videos += 1
        tally.left_out += left_out
    else:
        reasons = dict.fromkeys(clip["reason"] for clip in left_out)
        tally.skipped.append(Skipped(video.id, "; ".join(reasons)))


def _write_kept(
    writer,
    video_id: str,
    kept: Kept,
    clips_before: Iterator[tuple[str, Iterator[ClipRecord]]],
    tally: _Tally,
) -> None:
    """Writes the clips of a video as they were, or notes as before that it has none."""
    tally.streams += [taken for taken in kept.streams if taken.video_id == video_id]
    if video_id in kept.skipped:
        tally.skipped.append(kept.skipped[video_id])
        return
    clips = next((clips for found, clips in clips_before if found == video_id), None)
    if clips is None:
        raise ValueError(
            f"{kept.path} has no clips of {video_id}, of which it should; remove it and prepare it "
            "again"
        )
    for clip in clips:
        _write_clip(writer, replace(clip, posteriors={}), tally)
    tally.videos += 1
    tally.left_out += [clip for clip in kept.left_out if clip["video_id"] == video_id]


def _write_clip(writer, clip: ClipRecord, tally: _Tally) -> None:
    serialized = records.encode(clip)
    writer.write(serialized)
    tally.clips += 1
    tally.samples += clip.sample_count
    tally.clip_bytes.append(len(serialized))


def _inputs(plan: ShardPlan) -> list[dict]:
    return [{"video_id": video.id, **video.identity.as_fields()} for video in plan.videos]


def _unsure(plan: ShardPlan, out_of_reach: Collection[str]) -> dict[str, list[str]]:
    """Ids of videos that the next run is to cut again, for the JSON: those that were there when
    they were found and could not be reached later, and those that are not the same any more."""
    now = storage.sizes_and_times(video.path for video in plan.videos)
    unsure = []
    for video in plan.videos:
        size, modified_ns = now[video.path] or (0, None)
        is_same = (size, modified_ns) == (video.identity.bytes, video.identity.modified_ns)
        if not is_same or (video.id in out_of_reach and size):
            unsure.append(video.id)
    return {"unsure": unsure} if unsure else {}
