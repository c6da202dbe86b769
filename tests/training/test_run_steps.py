"""What moves a student and what is kept of it: a run's weights against a NumPy Adam, best and last
students and TensorBoard against the figures that the run gave."""

import os

import cached_records as cached
import keras
import numpy as np
import numpy_adam
import numpy_distillation
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from soundnet_tf.data import pipeline
from soundnet_tf.data.batch_settings import AugmentConfig, PipelineConfig
from soundnet_tf.models import checkpoint, student
from soundnet_tf.training import report
from soundnet_tf.training.distiller import Distiller
from soundnet_tf.training.loop import train
from soundnet_tf.training.settings import OptimizerConfig, TrainConfig

CROP_SECS, SEED = 4.0, 5
STEPS_PER_EPOCH = 3
SEEN = {"objects": [0.9, 0.08, 0.02], "scenes": [0.9, 0.1]}
SEEN_HELD_OUT = {"objects": [0.5, 0.3, 0.2], "scenes": [0.6, 0.4]}
TRAINING = [cached.clip(number, 4.5, SEEN) for number in range(7)]
HELD_OUT = [cached.clip(number, 4.0, SEEN_HELD_OUT) for number in range(7, 10)]


def pipeline_config():
    return PipelineConfig(
        batch_size=2,
        crop_secs=CROP_SECS,
        targets="cached",
        augment=AugmentConfig(gain_db=6.0),
    )


def config_of(**changes):
    settings = {"teachers": {}, "architecture": "soundnet5", "seed": SEED}
    return TrainConfig(pipeline=pipeline_config(), **(settings | changes))


def training_batches(epochs):
    return pipeline.train_batches(cached.source(*TRAINING), pipeline_config(), epochs, SEED)


def run(out, **changes):
    return train(config_of(**changes), cached.source(*TRAINING), cached.source(*HELD_OUT), out)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A student with both heads, whose batch norms are as if trained on such sound."""
    keras.utils.set_random_seed(11)
    network = student.SoundNet5(object_classes=3, scene_classes=2, plain_layers=True)
    sound = next(iter(training_batches(1)))["waveform"]
    for _ in range(50):
        network(sound, training=True)
    folder = str(tmp_path_factory.mktemp("start"))
    checkpoint.save_student(folder, network, cached.LABELS)
    return folder


def gradients(network, batch):
    """Of the sum over heads of the mean KL; batch norms as in evaluation."""
    with tf.GradientTape() as tape:
        logits = network(batch["waveform"], training=False)
        loss = 0.0
        for head, p in SEEN.items():
            p = np.float16(p).astype(np.float32)
            loss -= tf.reduce_mean(tf.reduce_sum(p * tf.nn.log_softmax(logits[head]), -1))
    return tape.gradient(loss, network.trainable_variables)


def cosine_with_warm_up(step, peak, warm_up, total):
    if step < warm_up:
        return peak * step / warm_up
    return peak * (1 + np.cos(np.pi * (step - warm_up) / (total - warm_up))) / 2


def test_weights_move_as_numpys_adam_moves_them(start, tmp_path):
    """8 steps become 3 epochs of 3. Rate, wait, scale, clipping and averages are those of the
    settings; the saved student is the averaged one."""
    result = run(
        str(tmp_path),
        init_from=start,
        freeze_batch_norm=True,
        steps=8,
        optimizer=OptimizerConfig(
            learning_rate=1e-3,
            schedule="cosine",
            warmup_steps=2,
            head_warmup_steps=4,
            trunk_scale=0.25,
            clip_norm=30.0,
            ema_momentum=0.8,
        ),
    )
    network, _ = checkpoint.load_student(start)
    for layer in network.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    variables = network.trainable_variables
    before = [variable.numpy() for variable in variables]
    in_head = [variable.path.split("/")[0] in SEEN for variable in variables]
    adam = numpy_adam.Adam(before, ema_momentum=0.8)
    for step, batch in enumerate(training_batches(3)):
        rate = cosine_with_warm_up(step, 1e-3, 2, 9)
        trunk_rate = 0.25 * rate if step >= 4 else 0.0
        rates = [rate if head else trunk_rate for head in in_head]
        adam.step([tf.convert_to_tensor(g) for g in gradients(network, batch)], rates, 30.0)
        for variable, value in zip(variables, adam.values, strict=True):
            variable.assign(value)
    assert len(adam.norms) == 9 and min(adam.norms) < 30 < max(adam.norms)
    norms = np.reshape(adam.norms, (3, 3)).mean(axis=1)
    np.testing.assert_allclose([r["gradient_norm"] for r in result.history], norms, rtol=1e-2)
    last, _ = checkpoint.load_student(str(tmp_path / "last"))
    for variable, average, old in zip(variables, adam.averages, before, strict=True):
        layer, name = variable.path.split("/")
        found = getattr(last.get_layer(layer), name).numpy()
        error = np.linalg.norm(found - average) / np.linalg.norm(average - old)
        assert error < 0.02, (variable.path, error)


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A run that first comes nearer to what is held out and then passes it by."""
    trained = []
    with pytest.MonkeyPatch.context() as patch:
        fit = Distiller.fit
        patch.setattr(
            Distiller, "fit", lambda self, *a, **k: trained.append(self) or fit(self, *a, **k)
        )
        out = str(tmp_path_factory.mktemp("learned"))
        optimizer = OptimizerConfig(
            learning_rate=5e-4, schedule="cosine", warmup_steps=2, ema_momentum=0.5
        )
        result = run(out, epochs=5, optimizer=optimizer)
    return out, result, trained[0].student


def test_best_and_last_are_the_students_whose_figures_stand_in_the_history(learned):
    """Loaded and evaluated by NumPy, with the batch norms' statistics that were saved."""
    out, result, _ = learned
    held_out = [row["val_loss"] for row in result.history]
    best = int(np.argmin(held_out))
    assert 0 < best < 4 and max(held_out) > 1.05 * min(held_out)
    for folder, epoch in {"best": best, "last": 4}.items():
        network, _ = checkpoint.load_student(os.path.join(out, folder))
        expected = numpy_distillation.figures(network, HELD_OUT, CROP_SECS, cached.EVERY_SECS)
        for name, value in expected.items():
            assert result.history[epoch][f"val_{name}"] == pytest.approx(value, rel=5e-3), name


def test_the_saved_statistics_of_batch_norms_are_the_trained_students(learned):
    out, _, trained = learned
    last, _ = checkpoint.load_student(os.path.join(out, "last"))
    for name in ("conv1_bn", "conv2_bn", "conv3_bn", "conv4_bn"):
        _, _, mean, variance = last.get_layer(name).get_weights()
        np.testing.assert_array_equal(mean, trained.get_layer(name).moving_mean)
        np.testing.assert_array_equal(variance, trained.get_layer(name).moving_variance)
        assert np.std(mean) > 0 and np.std(variance) > 0


def test_the_report_gives_best_and_last(learned):
    _, result, _ = learned
    best = min(range(5), key=lambda epoch: result.history[epoch]["val_loss"])
    lines = report.table(result.history, result.baselines).splitlines()
    shown = [line.split()[-4:-2] for line in lines]  # the two KLs
    for line, epoch in ((3, best), (4, 4)):
        row = result.history[epoch]
        assert lines[line].startswith(f"{'best' if line == 3 else 'last'}, epoch {epoch + 1} ")
        assert shown[line] == [f"{row[f'val_kl_{head}']:.3f}" for head in SEEN]


def test_tensorboard_shows_rates_and_figures_where_they_belong(learned):
    """The rate after step n is the one that step n + 1 would take: 0 after the last."""
    out, result, _ = learned

    def curve(part, name):
        events = EventAccumulator(f"{out}/logs/{part}", {"tensors": 0})  # 0: all of them
        events.Reload()
        return {e.step: float(tf.make_ndarray(e.tensor_proto)) for e in events.Tensors(name)}

    ends = [STEPS_PER_EPOCH * (epoch + 1) for epoch in range(5)]
    rates = {step: cosine_with_warm_up(step, 5e-4, 2, 15) for step in range(1, 16)}
    assert curve("train", "learning_rate") == pytest.approx(rates, rel=1e-4, abs=1e-9)
    for name in ("loss", "kl_objects", "agreement_scenes"):
        rows = {end: row[f"val_{name}"] for end, row in zip(ends, result.history, strict=True)}
        assert curve("validation", name) == pytest.approx(rows)
        of_steps = curve("train", name)
        for end, row in zip(ends, result.history, strict=True):
            assert of_steps[end] == pytest.approx(row[name])
