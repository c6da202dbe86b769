"""A distiller and held-out clips with pictures, whose posteriors tests choose."""

import dataclasses

import cached_records as cached
import clock_records
import keras
import numpy as np

from soundnet_tf.data.batch_settings import PipelineConfig
from soundnet_tf.models import student as students
from soundnet_tf.training.distiller import Distiller
from soundnet_tf.training.settings import DistillConfig

CROP_SECS = 8.0  # two steps of SoundNet-5, centred on 1.3 s and 5.7 s
CONFIG = PipelineConfig(batch_size=2, crop_secs=CROP_SECS, targets="cached")


def clip(number, secs, seen=None, video=None):
    """A clip of noise whose frame k is grey 40 k; teachers see something else in each frame."""
    frames = int(np.ceil(secs / cached.EVERY_SECS))
    rng = np.random.default_rng(100 + number)
    seen = seen or {
        head: rng.dirichlet(np.ones(len(names)), frames) for head, names in cached.LABELS.items()
    }
    made = cached.clip(number, secs, seen)
    jpegs = [clock_records.jpeg(np.full((256, 320, 3), 40 * k, np.uint8)) for k in range(frames)]
    video = made.video_id if video is None else video
    return dataclasses.replace(made, jpegs=tuple(jpegs), video_id=video)


def distiller(**config):
    """Of a student that says other things of other sounds."""
    keras.utils.set_random_seed(4)
    student = students.SoundNet5(object_classes=3, scene_classes=2, plain_layers=True)
    for head in cached.LABELS:
        kernel, bias = student.get_layer(head).get_weights()
        student.get_layer(head).set_weights([kernel, bias + np.arange(bias.size)])
    return Distiller(student, cached.TEACHERS, DistillConfig(**config))
