"""Small prepared folders with teachers to label them, and what tests ask of the shards."""

import hashlib
import shutil
from pathlib import Path

import prepare_material
import synthetic_media
import tensorflow as tf
from colour_teacher import write_colour_teacher

from soundnet_tf.data import records
from soundnet_tf.data.clips import ClipRecord
from soundnet_tf.data.label import Labelled, label
from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.data.settings import LabelConfig

PALETTE = [synthetic_media.colour_of_second(second) for second in range(5)]


def write_teachers(folder: Path) -> dict[str, str]:
    """Specs of teachers that tell the seconds of a film by their colours, the first not so well."""
    return {
        "objects": write_colour_teacher(folder / "objects.keras", PALETTE, 1e-4),
        "scenes": write_colour_teacher(folder / "scenes.keras", PALETTE[:3], 1e-3),
        "other": write_colour_teacher(folder / "other.keras", PALETTE[::-1], 1e-4),
    }


def copy_of(prepared: Path, out: Path) -> Path:
    return Path(shutil.copytree(prepared, out))


def run(folder, teachers, batch_frames=4, **changes) -> Labelled:
    """Labels with batches that are smaller than a shard and do not divide it."""
    config = LabelConfig(str(folder), teachers, batch_frames, **changes)
    return label(config, progress=False)


def contents(folder: Path) -> dict[str, str]:
    """The digest of every file, those of the folder of teachers too."""
    files = prepare_material.digests(folder / "teachers")
    return files | {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file()
    }


def clips_in(folder) -> dict[str, ClipRecord]:
    manifest = load_manifest(str(folder))
    paths = [path for split in manifest.splits for path in manifest.shard_paths(split)]
    clips = map(records.decode, tf.data.TFRecordDataset(paths).as_numpy_iterator())
    return {clip.id: clip for clip in clips}
