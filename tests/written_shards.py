"""A prepared folder of made-up clips with posteriors, written at once."""

import io

import numpy as np
from PIL import Image

from soundnet_tf.data import codecs, folder
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.clips import ClipRecord, Posteriors

LABELS = ("cat", "dog", "sea")
NAMES = ("train-00000-of-00002", "train-00001-of-00002", "val-00000-of-00001")


def clip(number: int, codec: str = "pcm16") -> ClipRecord:
    rng = np.random.default_rng(number)
    values = rng.dirichlet(np.ones(len(LABELS)), 2).astype(np.float16)
    return ClipRecord(
        id=f"deep/ä {number}.mp4@1.500",
        video_id=f"deep/ä {number}.mp4",
        start_secs=1.5,
        audio=codecs.encode_sound(rng.uniform(-0.5, 0.5, 2205 + number), codec),
        sample_count=2205 + number,
        jpegs=(bytes(rng.bytes(10)), bytes(rng.bytes(12))),
        frame_secs=(0.0, 0.25),
        audio_codec=codec,
        posteriors={"objects": Posteriors("a teacher", "f" * 16, values)},
    )


def write(path, codec="pcm16") -> str:
    shards = {
        f"{name}.tfrecord": [clip(10 * i, codec), clip(10 * i + 1, codec)]
        for i, name in enumerate(NAMES)
    }
    teachers = {"objects": CachedTeacher("a teacher", "f" * 16, LABELS)}
    settings = {"frame_every_secs": 0.25} | ({} if codec == "pcm16" else {"audio_codec": codec})
    folder.write_folder(str(path), shards, settings, "films", teachers)
    return str(path)


def jpeg_of(colour, size=(340, 256)) -> bytes:
    """A picture of one colour, RGB in [0, 255], as shards hold them."""
    file = io.BytesIO()
    Image.new("RGB", size, tuple(colour)).save(file, "JPEG", quality=95)
    return file.getvalue()
