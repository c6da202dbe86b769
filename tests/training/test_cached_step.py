"""One step's loss, from teachers that look and from posteriors of the shards, against NumPy."""

import keras
import labelled_shards
import numpy as np
import pytest
import tensorflow as tf
from clock_records import jpeg
from lively import lively

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.models import student
from soundnet_tf.models.teachers.teacher import load_teacher
from soundnet_tf.training.distiller import Distiller
from soundnet_tf.training.settings import DistillConfig

SECS = 10
# SoundNet-5's head hears a step's centre at conv4's step 12 i - 4 + 7.5: conv4's steps are 8192
# samples apart, and its step 0 is centred on sample 38.5 (see test_centres.py).
CENTRE_SECS = [(12 * i + 3.5) * 8192 / SAMPLE_RATE for i in range(2)]
HEADS = ("objects", "scenes")


@pytest.fixture(scope="module")
def teachers(tmp_path_factory):
    specs = labelled_shards.write_teachers(tmp_path_factory.mktemp("teachers"))
    return {head: load_teacher(specs[head]) for head in HEADS}


@pytest.fixture(scope="module")
def pictures():
    """Two clips of a frame a second, each a colour between those of two classes."""
    palette = np.float64(labelled_shards.PALETTE)
    weights = np.random.default_rng(0).dirichlet(np.ones(len(palette)), (2, SECS))
    colours = np.uint8(np.round(weights @ palette))
    return [[jpeg(np.tile(colour, (256, 256, 1))) for colour in clip] for clip in colours]


def batch_of(pictures):
    """What the pipeline gives of them, with frames as well as posteriors."""
    decoded = [[tf.io.decode_jpeg(picture).numpy() for picture in clip] for clip in pictures]
    posteriors = {
        f"posteriors/{head}": np.float32(
            np.float16([[labelled_shards.by_hand(p, head) for p in clip] for clip in pictures])
        )
        for head in HEADS
    }
    waveform = np.random.default_rng(1).uniform(-0.5, 0.5, (2, SECS * SAMPLE_RATE))
    return {
        "video": tf.constant(["one", "another"]),
        "waveform": tf.constant(waveform, tf.float32),
        "lengths": tf.constant([SECS * SAMPLE_RATE] * 2),
        "frames": tf.constant(np.array(decoded)),
        "frame_secs": tf.tile(tf.range(SECS, dtype=tf.float32)[None], [2, 1]),
        "frame_mask": tf.ones([2, SECS], tf.bool),
        **posteriors,
    }


@pytest.mark.parametrize("kind", ["online", "cached"])
def test_the_loss_is_that_of_numpy(teachers, pictures, kind):
    """KL of posteriors, on the line between those of the frames around each step's centre, summed
    over heads and averaged over steps."""
    keras.utils.set_random_seed(3)
    network = lively(student.SoundNet5(object_classes=5, scene_classes=3))
    if kind == "cached":
        teachers = {h: CachedTeacher(t.name, t.fingerprint, t.labels) for h, t in teachers.items()}
    distiller = Distiller(network, teachers, DistillConfig())
    distiller.compile(optimizer=keras.optimizers.SGD(0.0))
    batch = batch_of(pictures)
    logits = {head: values.numpy() for head, values in network(batch["waveform"]).items()}
    expected = 0.0
    for head in HEADS:
        for clip, steps in zip(pictures, logits[head].astype(np.float64), strict=True):
            assert len(steps) == len(CENTRE_SECS)
            seen = np.array([labelled_shards.by_hand(picture, head) for picture in clip])
            for secs, step in zip(CENTRE_SECS, steps, strict=True):
                target = [np.interp(secs, np.arange(SECS), column) for column in seen.T]
                log_student = step - np.log(np.exp(step).sum())
                expected += np.sum(target * (np.log(target) - log_student)) / 4
    found = distiller.test_step(batch)
    assert float(found["loss"]) == pytest.approx(expected, rel=5e-3)
    assert expected > 0.1
