"""Small videos to prepare, and what tests ask of the folder that comes out."""

import hashlib
from pathlib import Path

import synthetic_media

from soundnet_tf.data import records, shard_reader
from soundnet_tf.data.manifest import Manifest
from soundnet_tf.data.prepare import prepare
from soundnet_tf.data.settings import Cutting, PrepareConfig

SMALL = {"width": 64, "height": 48, "fps": 10}
GOOD = ("a.mp4", "b.mkv", "deep/c.webm", "deep/er/d.mp4")
GOOD_CLIPS = [f"{name}@{start}.000" for name in GOOD for start in (0, 2, 4)]


def write_good_videos(folder: Path) -> Path:
    """The videos GOOD of 5 s: with `config` each gives two clips of 2 s and a rest of 1 s."""
    for name in GOOD:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        synthetic_media.write_clock_video(folder / name, 5, **SMALL)
    return folder


def config(videos: str | Path, out: str | Path, **changes) -> PrepareConfig:
    """Clips of 2 s, a frame each second, two training shards and one of validation."""
    chosen = dict(clip_secs=2.0, frame_every_secs=1.0, num_shards=2, val_fraction=0.3, workers=1)
    chosen |= changes
    cutting = {
        name: chosen.pop(name)
        for name in ("clip_secs", "frame_every_secs", "channel", "limits")
        if name in chosen
    }
    return PrepareConfig(str(videos), str(out), Cutting(**cutting), **chosen)


def run(config: PrepareConfig) -> Manifest:
    return prepare(config, progress=False)


def digests(folder) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in Path(folder).iterdir()}


def mtimes(folder) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in Path(folder).iterdir()}


def ids_in(manifest) -> list[str]:
    paths = [path for split in manifest.splits for path in manifest.shard_paths(split)]
    dataset = shard_reader.read(paths).map(records.parse)
    return sorted(clip["id"].decode() for clip in dataset.as_numpy_iterator())
