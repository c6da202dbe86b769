"""The training step: what moves, what must not, and how far one batch can be learned."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from colour_teacher import write_colour_teacher

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.models import initialise, student
from soundnet_tf.models.teachers.teacher import load_teacher
from soundnet_tf.training import distiller as distillers
from soundnet_tf.training.distiller import Distiller
from soundnet_tf.training.settings import DistillConfig

COLOURS = [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
GREYS = [[20, 20, 20], [230, 230, 230]]
CLIPS, SECS = 2, 4


@pytest.fixture
def teachers(tmp_path):
    return {
        "objects": load_teacher(write_colour_teacher(tmp_path / "colours.keras", COLOURS, 1e-4)),
        "scenes": load_teacher(write_colour_teacher(tmp_path / "greys.keras", GREYS, 1e-4)),
    }


def batch(seed=0):
    rng = np.random.default_rng(seed)
    return {
        "id": tf.constant([f"clip{i}" for i in range(CLIPS)]),
        "video": tf.constant([f"video{i % 2}" for i in range(CLIPS)]),
        "waveform": tf.constant(rng.uniform(-0.5, 0.5, (CLIPS, SECS * SAMPLE_RATE)), tf.float32),
        "lengths": tf.fill([CLIPS], SECS * SAMPLE_RATE),
        "frames": tf.constant(
            np.repeat(np.repeat(rng.integers(0, 256, (CLIPS, SECS, 1, 1, 3)), 64, 2), 64, 3),
            tf.uint8,
        ),
        "frame_secs": tf.tile(tf.range(float(SECS))[None], [CLIPS, 1]),
        "frame_mask": tf.ones([CLIPS, SECS], bool),
    }


def long_batch():
    """12 s of sound, enough for the heads of SoundNet-8."""
    data = batch()
    sound = {
        "waveform": tf.tile(data["waveform"], [1, 3]),
        "lengths": tf.fill([CLIPS], 3 * SECS * SAMPLE_RATE),
    }
    return data | sound


def distiller_of(teachers, build=student.SoundNet5, learning_rate=1e-3, mask_sound=False, **config):
    classes = {f"{head[:-1]}_classes": teacher.classes for head, teacher in teachers.items()}
    network = build(**({"object_classes": None, "scene_classes": None} | classes))
    distiller = Distiller(network, teachers, DistillConfig(**config), mask_sound)
    distiller.compile(optimizer=keras.optimizers.Adam(learning_rate))
    return distiller


def weights_of(model):
    return [variable.numpy().copy() for variable in model.variables]


@pytest.mark.gpu
@pytest.mark.parametrize("build", [student.SoundNet5, student.SoundNet8])
def test_a_step_moves_every_trainable_weight_and_no_teachers(teachers, build):
    distiller = distiller_of(teachers, build)
    before = weights_of(distiller.student)
    teachers_before = {head: weights_of(t.model) for head, t in teachers.items()}
    one_step(distiller, long_batch())
    blocks = student.architecture_of(distiller.student).blocks
    # A bias before a batch norm changes nothing. Where a pool follows, its gradient is exactly 0.
    idle = {f"{conv.name}_conv/bias" for conv, pool in blocks if pool}
    for variable, old in zip(distiller.student.variables, before, strict=True):
        stayed = np.array_equal(variable.numpy(), old)
        assert stayed == (variable.path in idle), variable.path
    for head, teacher in teachers.items():
        for now, old in zip(weights_of(teacher.model), teachers_before[head], strict=True):
            np.testing.assert_array_equal(now, old)


def test_the_step_is_traced_once(teachers, monkeypatch):
    """TensorFlow traces a function again that made variables when it was traced first."""
    traced, step = [], Distiller.train_step

    def counted(self, data):
        traced.append(tf.executing_eagerly())
        return step(self, data)

    monkeypatch.setattr(Distiller, "train_step", counted)
    distiller = distiller_of(teachers)
    distiller.fit(tf.data.Dataset.from_tensors(batch()).repeat(2), verbose=0, shuffle=False)
    assert distiller.optimizer.iterations == 2 and traced == [False]


def test_it_is_evaluated_without_an_optimizer(teachers):
    dataset = tf.data.Dataset.from_tensors(batch())
    trained = distiller_of(teachers)
    expected = trained.evaluate(dataset, verbose=0, return_dict=True)
    trained.compile(optimizer=None)
    found = trained.evaluate(dataset, verbose=0, return_dict=True)
    assert found == pytest.approx(expected, rel=0, abs=0, nan_ok=True)


def test_shuffled_pairs_know_whether_clips_are_mixed_and_how_long_they_are(teachers, monkeypatch):
    """Else the next clip's sound would come with the targets that were given for it."""
    told = []

    def shuffled(targets, video, mixed):
        told.append(mixed)
        return targets

    def mixed(waveform, targets, share, seed, lengths):
        told.append(lengths)
        return waveform, targets

    monkeypatch.setattr(distillers, "other_videos_targets", shuffled)
    monkeypatch.setattr(distillers, "mix", mixed)
    data = batch()
    one_step(still(teachers, shuffled_pairs=True), data)
    assert told == [False]
    distiller = still(teachers, shuffled_pairs=True, mix_share=0.5)
    distiller.run_eagerly = True  # for the lengths to have values
    distiller.train_step(data)
    assert told[1] is True
    np.testing.assert_array_equal(told[2], data["lengths"])


def one_step(distiller, data):
    dataset = tf.data.Dataset.from_tensors(data)
    return distiller.fit(dataset, epochs=1, verbose=0, shuffle=False).history


def still(teachers, **config):
    """A distiller that trains without moving anything."""
    distiller = distiller_of(teachers, learning_rate=0.0, **config)
    initialise.freeze_batch_norm(distiller.student)
    distiller.compile(optimizer=keras.optimizers.Adam(0.0))
    return distiller


def test_shuffled_pairs_are_trained_on_and_true_ones_evaluated(teachers):
    """Of two clips of two videos each gets the other's frames."""
    distiller = still(teachers, shuffled_pairs=True)
    data = batch()
    history = one_step(distiller, data)
    swapped = data | {"frames": data["frames"][::-1]}
    for pictures, found in ((swapped, history), (data, None)):
        dataset = tf.data.Dataset.from_tensors(pictures)
        expected = distiller.evaluate(dataset, verbose=0, return_dict=True)
        for name in ("loss", "kl_objects", "kl_scenes"):
            if found:
                assert found[name][0] == pytest.approx(expected[name], rel=1e-3)
            else:
                assert history[name][0] != pytest.approx(expected[name], rel=1e-3)


def test_every_step_mixes_anew_by_the_seed(teachers):
    """Nothing moves, so losses of one batch differ by what is mixed alone."""

    def losses(seed, share):
        keras.utils.set_random_seed(1)
        distiller = still(teachers, mix_share=share)
        distiller.seed = seed
        dataset = tf.data.Dataset.from_tensors(batch())
        return [one_step(distiller, data)["loss"][0] for data in dataset.repeat(3)]

    mixed = losses(4, 1.0)
    assert len(set(mixed)) == 3 and mixed == losses(4, 1.0)
    assert not set(mixed) & set(losses(5, 1.0))
    assert len(set(losses(4, 0.0))) == 1


@pytest.mark.slow
@pytest.mark.parametrize("build", [student.SoundNet5, student.SoundNet8])
def test_one_batch_is_learned_to_a_tenth_of_its_start(teachers, build):
    """The floor of KL is 0 (the teacher's entropy is taken off), so a tenth of the start is a tenth
    of the way above it."""
    distiller = distiller_of(teachers, build)
    losses_seen = Losses()
    dataset = tf.data.Dataset.from_tensors(long_batch()).repeat(30)
    distiller.fit(dataset, epochs=1, verbose=0, shuffle=False, callbacks=[losses_seen])
    assert losses_seen.values[-1] < 0.1 * losses_seen.values[0]


class Losses(keras.callbacks.Callback):
    """The loss of every step, not the running mean of the epoch."""

    def __init__(self):
        super().__init__()
        self.values = []

    def on_train_batch_begin(self, step, logs=None):
        self.model.reset_metrics()

    def on_train_batch_end(self, step, logs=None):
        self.values.append(logs["loss"])


def test_training_reports_the_gradients_norm(teachers):
    """Equal to the norm of the gradients taken by hand from the same start."""
    distiller = distiller_of(teachers)
    data = batch()
    with tf.GradientTape() as tape:
        logits = distiller(data, training=True)
        loss = distiller._loss(distiller.targets(data), logits, {})
    gradients = tape.gradient(loss, distiller.student.trainable_variables)
    expected = float(tf.linalg.global_norm(gradients))
    history = one_step(distiller, data)
    assert history["gradient_norm"][0] == pytest.approx(expected, rel=1e-3)
    assert history["loss"][0] > 0


def test_graph_equals_eager(teachers):
    distiller = distiller_of(teachers)
    dataset = tf.data.Dataset.from_tensors(batch())
    graph = distiller.evaluate(dataset, return_dict=True, verbose=0)
    distiller.run_eagerly = True
    distiller.make_test_function(force=True)
    eager = distiller.evaluate(dataset, return_dict=True, verbose=0)
    assert graph == pytest.approx(eager, rel=1e-4, nan_ok=True)


def test_either_teacher_alone(teachers):
    for head in teachers:
        distiller = distiller_of({head: teachers[head]})
        history = one_step(distiller, batch())
        assert set(history) == {"loss", "gradient_norm", f"kl_{head}", f"agreement_{head}"}


def test_teachers_are_not_saved(teachers, tmp_path):
    """What is saved is as large as the student with Adam's two moments, and no more."""
    distiller = distiller_of(teachers)
    one_step(distiller, batch())
    path = tmp_path / "distiller.weights.h5"
    distiller.save_weights(str(path))
    trainable = sum(int(np.prod(v.shape)) for v in distiller.student.trainable_variables)
    numbers = distiller.student.count_params() + 2 * trainable
    assert path.stat().st_size == pytest.approx(4 * numbers, rel=0.02)
    teacher_paths = {id(v) for t in teachers.values() for v in t.model.variables}
    assert not teacher_paths & {id(v) for v in distiller.variables}


def test_frozen_batch_norm_keeps_its_statistics(teachers):
    distiller = distiller_of(teachers)
    initialise.freeze_batch_norm(distiller.student)
    distiller.compile(optimizer=keras.optimizers.Adam(1e-3))
    norm = distiller.student.get_layer("conv2_bn")
    before = weights_of(norm)
    one_step(distiller, batch())
    for now, old in zip(weights_of(norm), before, strict=True):
        np.testing.assert_array_equal(now, old)


def test_bfloat16_keeps_weights_and_loss_in_float32(teachers):
    keras.config.set_dtype_policy("mixed_bfloat16")
    distiller = distiller_of(teachers)
    assert distiller.student.get_layer("conv1_conv").compute_dtype == "bfloat16"
    assert all(v.dtype == "float32" for v in distiller.student.variables)
    assert np.isfinite(one_step(distiller, batch())["loss"][0])


def test_heads_and_teachers_must_fit(teachers):
    with pytest.raises(ValueError, match="'objects'.*5 classes.*3; build"):
        Distiller(student.SoundNet5(object_classes=5, scene_classes=2), teachers, DistillConfig())
    with pytest.raises(
        ValueError, match=r"heads \['objects'\], teachers are \['objects', 'scenes'\]"
    ):
        Distiller(
            student.SoundNet5(object_classes=3, scene_classes=None), teachers, DistillConfig()
        )


def test_masked_sound_is_silence_to_no_layer(teachers):
    """12 s of sound behind which anything stands: losses are those of any other padding, whatever
    it is; without the mask they are not."""

    def loss(mask_sound, padding):
        keras.utils.set_random_seed(3)
        distiller = distiller_of(teachers, student.SoundNet8, mask_sound=mask_sound)
        data = long_batch()
        behind = tf.fill([CLIPS, 8 * SAMPLE_RATE], padding)
        data["waveform"] = tf.concat([data["waveform"], behind], axis=1)
        return one_step(distiller, data)["loss"]

    assert loss(True, 0.0) == loss(True, 0.5)
    assert loss(False, 0.0) != loss(False, 0.5)
