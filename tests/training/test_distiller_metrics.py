"""The distiller's figures over batches that weigh differently, against NumPy, clip by clip."""

import keras
import numpy as np
import numpy_distillation
import numpy_soundnet
import pytest
import tensorflow as tf
from colour_teacher import write_colour_teacher
from scipy.special import softmax

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.models import initialise, student
from soundnet_tf.models.teachers.teacher import load_teacher
from soundnet_tf.training.distiller import Distiller
from soundnet_tf.training.settings import DistillConfig

PALETTES = {
    "objects": [[255, 0, 0], [0, 255, 0], [0, 0, 255]],
    "scenes": [[20, 20, 20], [230, 230, 230]],
}


@pytest.fixture
def teachers(tmp_path):
    return {
        head: load_teacher(write_colour_teacher(tmp_path / f"{head}.keras", palette, 1e-4))
        for head, palette in PALETTES.items()
    }


def distiller_of(teachers, **config):
    """Masks sound; of a student in which padding would matter, as its biases are not 0."""
    network = student.SoundNet5(object_classes=3, scene_classes=2)
    rng = np.random.default_rng(2)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.beta.assign(rng.uniform(0, 0.5, layer.beta.shape))
        elif layer.weights:
            layer.kernel.assign(layer.kernel * (0.1 if layer.name == "conv1_conv" else 5.0))
    return Distiller(network, teachers, DistillConfig(**config), mask_sound=True)


def uneven_batches():
    """Two batches of 4 and 2 clips of 8 s and less with a frame a second: of the two steps of each,
    centred on 1.3 s and 5.7 s, 4 and 3 are valid. One clip has no frame."""
    rng = np.random.default_rng(1)
    for seconds, frames in (((8, 5, 8, 3), (8, 5, 0, 3)), ((8, 3), (8, 3))):
        count = len(seconds)
        sound = rng.uniform(-0.5, 0.5, (count, 8 * SAMPLE_RATE)).astype(np.float32)
        colours = rng.integers(0, 256, (count, 8, 1, 1, 3))
        valid = np.arange(8) < np.array(frames)[:, None]
        yield {
            "id": tf.constant([f"clip{i}" for i in range(count)]),
            "video": tf.constant([f"video{i % 2}" for i in range(count)]),
            "waveform": sound
            * (np.arange(8 * SAMPLE_RATE) < np.array(seconds)[:, None] * SAMPLE_RATE),
            "lengths": np.array(seconds, np.int32) * SAMPLE_RATE,
            "frames": np.uint8(np.tile(colours, (32, 32, 1)) * valid[..., None, None, None]),
            "frame_secs": np.float32(np.arange(8) * valid),
            "frame_mask": valid,
        }


def by_numpy(distiller, batches, **config):
    """The figures over all valid steps of some batches. A teacher's probabilities are a softmax of
    -1e-4 times the squared distance to its colours; every clip is heard alone."""
    heads = student.architecture_of(distiller.student).heads
    wanted, logits = {h: [] for h in PALETTES}, {h: [] for h in PALETTES}
    for data in batches:
        for clip in range(len(data["id"])):
            length, valid = data["lengths"][clip], data["frame_mask"][clip]
            outputs = numpy_soundnet.forward(distiller.student, data["waveform"][clip, :length])
            centres = [t for t in heads.centre_secs(np.arange(2)) if t < length / SAMPLE_RATE]
            for head, palette in PALETTES.items() if valid.any() else ():
                colours = data["frames"][clip, valid, 0, 0].astype(float)
                distances = ((colours[:, None] - np.array(palette)) ** 2).sum(-1)
                seen = softmax(-1e-4 * distances, -1)
                secs = data["frame_secs"][clip, valid]
                wanted[head].extend(np.transpose([np.interp(centres, secs, p) for p in seen.T]))
                logits[head].extend(outputs[head][: len(centres)])
    wanted = {head: np.array(rows) for head, rows in wanted.items()}
    return numpy_distillation.compare(wanted, logits, **config)


def test_metrics_are_means_over_the_valid_steps_of_all_batches(teachers):
    """In evaluation, and in an epoch of training in which neither weights nor batch norms move."""
    config = {"reduction": "paper", "temperature": 2.0, "weights": {"objects": 3.0}}
    distiller = distiller_of(teachers, **config)
    initialise.freeze_batch_norm(distiller.student)
    distiller.compile(optimizer=keras.optimizers.Adam(0.0))
    batches = list(uneven_batches())
    expected = by_numpy(distiller, batches, **config)
    spec = {name: tf.TensorSpec([None, *v.shape[1:]], v.dtype) for name, v in batches[0].items()}
    dataset = tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=spec)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(batches)))
    evaluated = distiller.evaluate(dataset, return_dict=True, verbose=0)
    of_pairs = {f"{kind}_{head}" for kind in ("shuffled", "hears") for head in PALETTES}
    assert set(evaluated) == set(expected) | of_pairs
    trained = distiller.fit(dataset, epochs=1, verbose=0, shuffle=False).history
    for name, value in expected.items():
        assert evaluated[name] == pytest.approx(value, rel=2e-3), name
        assert trained[name][0] == pytest.approx(value, rel=2e-3), name
