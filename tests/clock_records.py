"""Clip records whose sound and pictures tell their time, and pipelines over them."""

import io

import numpy as np
import tensorflow as tf
from PIL import Image

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data import records
from soundnet_tf.data.batch_settings import PipelineConfig
from soundnet_tf.data.clips import ClipRecord
from soundnet_tf.data.codecs import pcm16
from soundnet_tf.data.sources import Source

EVERY_SECS = 1.0


def clip(index, seconds, width=256, height=256):
    """Sound rises by one step of 1/4096 every tenth of a second; frame k is grey 10 + 20 k."""
    tenths = np.arange(round(seconds * SAMPLE_RATE)) * 10 // SAMPLE_RATE
    waveform = ((tenths + 1) / 4096).astype(np.float32)
    frames = [
        np.full((height, width, 3), 10 + 20 * k, np.uint8) for k in range(int(np.ceil(seconds)))
    ]
    return ClipRecord(
        id=f"video{index}@0.000",
        video_id=f"video{index}",
        start_secs=0.0,
        audio=pcm16(waveform),
        sample_count=len(waveform),
        jpegs=tuple(jpeg(frame) for frame in frames),
        frame_secs=tuple(k * EVERY_SECS for k in range(len(frames))),
    )


def jpeg(frame):
    data = io.BytesIO()
    Image.fromarray(frame).save(data, "JPEG", quality=95)
    return data.getvalue()


def source(*clips_):
    serialized = [records.encode(c) for c in clips_]
    return Source(
        len(clips_), EVERY_SECS, lambda seed: tf.data.Dataset.from_tensor_slices(serialized)
    )


def config(**changes):
    defaults = {"batch_size": 1, "crop_secs": 4.0}
    return PipelineConfig(**(defaults | changes))


def tenth_of(waveform):
    return np.round(np.asarray(waveform) * 4096).astype(int) - 1


def grey_of(frames):
    return frames[..., 128, 128, 0].numpy().astype(int)
