"""A clip of a shard, looked at in a worker process.

This module runs in spawned worker processes and therefore never imports TensorFlow.
"""

import io
from dataclasses import dataclass, replace

import av
import numpy as np
from PIL import Image

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data.clips import LeftOut
from soundnet_tf.inspection.look import SHORT_SIDE, Look, look

_SOUND_BITS_PER_SEC = 32000


@dataclass(frozen=True)
class Stored:
    """A clip as its record has it.

    waveform: float32 [samples] at SAMPLE_RATE.
    frame_secs: float32 [frames].
    """

    video_id: str
    start_secs: float
    waveform: np.ndarray
    jpegs: tuple[bytes, ...]
    frame_secs: np.ndarray

    def __repr__(self) -> str:
        return f"{self.video_id}@{self.start_secs:.3f}"


def look_at(clip: Stored, still_levels: float, silent_dbfs: float, with_sound: bool) -> Look:
    """What is found in it, and its sound as an MP3 to listen to."""
    frames = [_small(jpeg) for jpeg in clip.jpegs]
    found = look(clip.waveform, frames, clip.frame_secs, still_levels, silent_dbfs)
    return replace(found, sound=_mp3(clip.waveform)) if with_sound else found


def failed(clip: Stored, why: str) -> LeftOut:
    """What stands for `look_at` if the clip takes the process down."""
    return LeftOut(clip.start_secs, why, damaged=True)


def _small(jpeg: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(jpeg)).convert("RGB")
    scale = SHORT_SIDE / min(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    return np.asarray(image.resize(size, Image.Resampling.BOX))


def _mp3(waveform: np.ndarray) -> bytes:
    encoded = io.BytesIO()
    with av.open(encoded, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=SAMPLE_RATE, layout="mono")
        stream.codec_context.bit_rate = _SOUND_BITS_PER_SEC
        frame = av.AudioFrame.from_ndarray(waveform[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, 0
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return encoded.getvalue()
