"""Small clips whose posteriors are given: whole runs in seconds, without pictures or teachers."""

import numpy as np
import tensorflow as tf

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data import records
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.clips import ClipRecord, Posteriors
from soundnet_tf.data.codecs import pcm16
from soundnet_tf.data.sources import Source

EVERY_SECS = 2.0  # between frames
LABELS = {"objects": ("lamp", "boat", "tree"), "scenes": ("hall", "lake")}
TEACHERS = {
    head: CachedTeacher(head, str(len(names)) * 16, names) for head, names in LABELS.items()
}


def clip(number, seconds, values, sound=None) -> ClipRecord:
    """A clip of noise, or of `sound` (float32 [samples]).

    Args:
        number: names the clip and seeds the noise.
        values: head to what its teacher saw in each frame, [frames, classes], or in all, [classes].
    """
    samples = round(seconds * SAMPLE_RATE)
    if sound is None:
        sound = np.random.default_rng(number).uniform(-0.5, 0.5, samples).astype(np.float32)
    frames = int(np.ceil(seconds / EVERY_SECS))
    return ClipRecord(
        id=f"clip{number}",
        video_id=f"video{number}",
        start_secs=0.0,
        audio=pcm16(sound),
        sample_count=samples,
        jpegs=(b"",) * frames,
        frame_secs=tuple(k * EVERY_SECS for k in range(frames)),
        posteriors={
            head: Posteriors(
                TEACHERS[head].name,
                TEACHERS[head].fingerprint,
                np.broadcast_to(seen, (frames, len(LABELS[head]))).astype(np.float16),
            )
            for head, seen in values.items()
        },
    )


def source(*clips) -> Source:
    """The clips by their numbers."""
    serialized = [records.encode(each) for each in clips]
    return Source(
        len(clips),
        EVERY_SECS,
        lambda numbers, _: tf.data.Dataset.from_tensor_slices(tf.gather(serialized, numbers)),
        {head: TEACHERS[head] for head in clips[0].posteriors},
    )
