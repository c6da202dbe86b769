"""Small prepared folders with teachers to label them, and what tests ask of the shards."""

import hashlib
import io
import shutil
from pathlib import Path

import numpy as np
import prepare_material
import synthetic_media
import tensorflow as tf
from colour_teacher import write_colour_teacher
from PIL import Image

from soundnet_tf.data import records
from soundnet_tf.data.clips import ClipRecord
from soundnet_tf.data.label import Labelled, label
from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.data.settings import LabelConfig

PALETTE = [synthetic_media.colour_of_second(second) for second in range(5)]
TEACHERS = {
    "objects": (PALETTE, 1e-4),
    "scenes": (PALETTE[:3], 1e-3),
    "other": (PALETTE[::-1], 1e-4),
}


def write_teachers(folder: Path) -> dict[str, str]:
    """Specs of teachers that tell the seconds of a film by their colours, the first not so well."""
    return {
        name: write_colour_teacher(folder / f"{name}.keras", palette, sharpness)
        for name, (palette, sharpness) in TEACHERS.items()
    }


def by_hand(jpeg: bytes, head: str) -> np.ndarray:
    """What the teacher of a head says of a stored picture: softmax of -sharpness x the squared
    distance of the centre square's mean colour to each colour, float64 [classes]."""
    palette, sharpness = TEACHERS[head]
    frame = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"), np.float64)
    height, width = frame.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    mean = frame[top : top + side, left : left + side].mean(axis=(0, 1))
    scores = -sharpness * ((np.float64(palette) - mean) ** 2).sum(axis=1)
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def copy_of(prepared: Path, out: Path) -> Path:
    return Path(shutil.copytree(prepared, out))


def run(folder, teachers, batch_frames=4, **changes) -> Labelled:
    """Labels with batches that are smaller than a shard and do not divide it."""
    config = LabelConfig(str(folder), teachers, batch_frames, **changes)
    return label(config, progress=False)


def contents(folder: Path) -> dict[str, str]:
    """The digest of every file, those of the folder of teachers too."""
    teachers = folder / "teachers"
    files = prepare_material.digests(teachers) if teachers.exists() else {}
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
