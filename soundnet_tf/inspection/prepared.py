"""Clips of a prepared folder: the sound and the pictures that its shards hold."""

import os
from collections.abc import Iterator
from functools import partial

from soundnet_tf.data import records, shard_json, shard_reader
from soundnet_tf.data.clips import Video
from soundnet_tf.data.manifest import Manifest, Shard, load_manifest
from soundnet_tf.data.settings import PCM16
from soundnet_tf.data.videos import find_videos
from soundnet_tf.data.workers import Workers
from soundnet_tf.files.identity import Identity
from soundnet_tf.files.progress import Bar, progress_bar
from soundnet_tf.inspection import pieces, stored
from soundnet_tf.inspection.findings import Seen
from soundnet_tf.inspection.look import Row
from soundnet_tf.inspection.rows import Rows
from soundnet_tf.inspection.settings import InspectConfig
from soundnet_tf.inspection.stored import Stored


def gather(config: InspectConfig, progress: bool) -> list[Seen]:
    """Everything in the folder, clips by their videos; what is new is looked at now.

    Videos are found where they were prepared from, or else have their ids for paths; of those the
    report keeps the sound of each clip.

    Raises:
        FileNotFoundError, ValueError: as of `load_manifest`; rows of other settings.
    """
    manifest = load_manifest(config.data)
    found = _found(manifest)
    shards = [(split, shard) for split in manifest.splits for shard in _shards(manifest, split)]
    splits: dict[str, str] = {}
    identities = {shard.name: Identity(shard.bytes, None, shard.sha256) for _, shard in shards}
    known = {
        video_id: identities[shard.name]
        for _, shard in shards
        for video_id in shard_json.known_videos(shard_json.read_known(config.data, shard.name))
    }
    settings = config.of_rows() | {"films": bool(found)}
    look = partial(
        stored.look_at,
        still_levels=config.still_levels,
        silent_dbfs=config.silent_dbfs,
        with_sound=not found,
    )
    with (
        Rows(config.out, settings, known) as rows,
        Workers(pieces.workers(config), config.limits) as workers,
        progress_bar(sum(s.clips for _, s in shards), "looking", "clip", progress) as bar,
    ):
        for split, shard in shards:
            new = _new_clips(manifest, shard, rows, identities[shard.name], splits, split, bar)
            for clip, looked in workers.map(look, new, stored.failed):
                pieces.add(config.out, rows, clip.video_id, clip.start_secs, looked)
                bar.update()
    seen = [
        _seen(found, video_id, split, rows.videos[video_id], pieces.in_order(rows, video_id))
        for video_id, split in splits.items()
    ]
    return sorted([*seen, *_skipped(manifest, found)], key=lambda video: video.id)


def _found(manifest: Manifest) -> dict[str, Video]:
    """The videos by their ids, if they are still where they were."""
    try:
        return {video.id: video for video in find_videos(manifest.videos)}
    except (OSError, ValueError):
        return {}


def _seen(found: dict[str, Video], id: str, split: str, row: Row, of: list[Row]) -> Seen:
    video = found.get(id, Video(id, id, Identity()))
    return Seen(id, video.path, split, video.identity.bytes, row, of, spans=video.spans)


def _shards(manifest: Manifest, split: str) -> list[Shard]:
    return [shard for shard in manifest.splits[split].shards if shard.clips]


def _new_clips(
    manifest: Manifest,
    shard: Shard,
    rows: Rows,
    identity: Identity,
    splits: dict[str, str],
    split: str,
    bar: Bar,
) -> Iterator[Stored]:
    """Clips of a shard that have no row; the others are counted. All videos go to `splits`."""
    parse = partial(records.parse, audio_codec=manifest.settings.get("audio_codec", PCM16))
    path = os.path.join(manifest.directory, shard.name)
    for clip in shard_reader.each(path, parse):
        video_id, start_secs = clip[records.VIDEO_ID].decode(), float(clip[records.START_SECS])
        splits[video_id] = split
        if video_id not in rows.videos:
            rows.add_video(
                {"video_id": video_id, "problem": None, "facts": {}, **identity.as_fields()}
            )
        if start_secs in rows.clips.get(video_id, {}):
            bar.update()
            continue
        yield Stored(
            video_id,
            start_secs,
            clip[records.WAVEFORM],
            tuple(clip[records.JPEGS].tolist()),
            clip[records.FRAME_SECS],
        )


def _skipped(manifest: Manifest, found: dict[str, Video]) -> Iterator[Seen]:
    for skipped in manifest.skipped:
        row = {"video_id": skipped.video_id, "problem": skipped.reason, "facts": {}}
        yield _seen(found, skipped.video_id, "", row, [])
