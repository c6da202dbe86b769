"""A student of cached posteriors learns what one learns whose teachers look at every frame."""

import keras
import labelled_shards
import numpy as np
import prepare_material
import pytest
import synthetic_media
import tensorflow as tf

from soundnet_tf.constants import CLIP_SECS, SAMPLE_RATE
from soundnet_tf.data import pipeline, sources
from soundnet_tf.data.batch_settings import PipelineConfig
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.models import student
from soundnet_tf.models.teachers.teacher import load_teacher
from soundnet_tf.training import losses
from soundnet_tf.training.distiller import Distiller
from soundnet_tf.training.settings import DistillConfig

CROP_SECS = 4.0
HALF_DIGIT, HALF_SMALLEST = 2.0**-11, 2.0**-25  # float16 rounds by no more than these


def rounding_bound(targets, logits):
    """float64 [..., steps]: how much rounding of the targets t by d <= e = 2^-11 t + 2^-25 can move
    sum t log t - t log q: by sum e (|1 + log x| + |log q|) with an x between t and t + d, and that
    is at least t / 2 unless t + d is 0, where |t log t| <= e |log e| is all that can be lost."""
    t = np.asarray(targets, np.float64)
    error = HALF_DIGIT * t + HALF_SMALLEST
    log_student = np.asarray(tf.nn.log_softmax(tf.cast(logits, tf.float64)))
    log_target = np.abs(np.log(np.maximum(t, HALF_SMALLEST)))
    return np.sum(error * (1 + np.log(2) + log_target + np.abs(log_student)), -1)


def test_float16_moves_a_loss_by_no_more_than_its_rounding():
    """Of 1000 classes, most of them so improbable that float16 has few digits or none for them."""
    rng = np.random.default_rng(0)
    targets = tf.nn.softmax(rng.normal(0, 5, (50, 1000)).astype(np.float32))
    logits = rng.normal(0, 3, (50, 1000)).astype(np.float32)
    rounded = tf.cast(tf.cast(targets, tf.float16), tf.float32)
    assert np.mean(rounded.numpy() == 0) > 0.05
    exact, cached = (losses.kl_divergence(t, logits).numpy() for t in (targets, rounded))
    bound = rounding_bound(targets, logits)
    assert (np.abs(cached - exact) <= bound + 1e-5).all()
    assert bound.max() < 1e-2 * exact.min()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six films of 8 s in a clip each, a frame a second, labelled."""
    videos = tmp_path_factory.mktemp("films")
    for k in range(6):
        synthetic_media.write_clock_video(videos / f"film{k}.mp4", 8, **prepare_material.SMALL)
    out = tmp_path_factory.mktemp("prepared") / "shards"
    prepare_material.run(prepare_material.config(videos, out, clip_secs=8.0, val_fraction=0.0))
    return out


@pytest.fixture(scope="module")
def teachers(folder, tmp_path_factory):
    specs = labelled_shards.write_teachers(tmp_path_factory.mktemp("teachers"))
    del specs["other"]
    labelled_shards.run(folder, specs)
    return {head: load_teacher(spec) for head, spec in specs.items()}


def training_batches(folder, targets):
    config = PipelineConfig(2, CROP_SECS, targets=targets)
    return pipeline.train_batches(sources.from_records(f"{folder}/train-*"), config, steps=6)


def distiller_of(teachers, **config):
    keras.utils.set_random_seed(7)
    network = student.SoundNet5(
        object_classes=teachers["objects"].classes, scene_classes=teachers["scenes"].classes
    )
    distiller = Distiller(network, teachers, DistillConfig(**config))
    distiller.compile(optimizer=keras.optimizers.SGD(1e-2))
    return distiller


def cached_teachers(folder):
    return sources.from_records(f"{folder}/train-*").teachers


@pytest.mark.parametrize("config", [{}, {"alignment": "index"}, {"reduction": "paper"}])
def test_losses_are_equal_but_for_float16(folder, teachers, config):
    online = distiller_of(teachers, **config)
    cached = distiller_of(cached_teachers(folder), **config)
    pairs = zip(training_batches(folder, "online"), training_batches(folder, "cached"), strict=True)
    for with_frames, with_posteriors in pairs:
        logits = online(with_frames)
        seen, remembered = online.targets(with_frames), cached.targets(with_posteriors)
        bound = 0.0
        for head, (posteriors, mask) in seen.items():
            np.testing.assert_array_equal(mask, remembered[head][1])
            of_steps = rounding_bound(posteriors, logits[head])
            kl, other_kl = (
                losses.kl_divergence(p, logits[head]).numpy()
                for p in (posteriors, remembered[head][0])
            )
            assert (np.abs(kl - other_kl) <= of_steps + 1e-5).all()
            scale = 250 / (2 * posteriors.shape[-1]) if config.get("reduction") == "paper" else 1
            bound += scale * np.mean(of_steps)
        loss = float(online._loss(seen, online(with_frames), {}))
        other = float(cached._loss(remembered, cached(with_posteriors), {}))
        assert abs(loss - other) <= bound + 1e-5 * max(1, loss)
        assert bound < 0.02 * loss


def test_a_step_without_frames_moves_the_weights_as_with_them(folder, teachers):
    """The gradient of a loss with regard to logits is q - t: rounding moves it, and with it the
    step, by about 2^-11 of its length; another target would by all of it."""
    moves = {}
    for targets, who in {"online": teachers, "cached": cached_teachers(folder)}.items():
        distiller = distiller_of(who)
        before = distiller.student.get_weights()
        batches = training_batches(folder, targets).take(1)
        history = distiller.fit(batches, epochs=1, verbose=0, shuffle=False).history
        after = distiller.student.get_weights()
        moves[targets] = [b - a for a, b in zip(before, after, strict=True)]
        assert set(history) >= {"loss", "kl_objects", "kl_scenes", "gradient_norm"}
    for online, cached in zip(moves["online"], moves["cached"], strict=True):
        np.testing.assert_allclose(online, cached, atol=1e-2 * np.abs(online).max() + 1e-9)


@pytest.mark.parametrize("every_secs", [1.0, 5.0])
def test_dense_labels_are_interpolated_at_each_outputs_moment(every_secs):
    """Posteriors that grow as (t / 20)^2. Between two frames D apart the line through them is above
    t^2 by s (1 - s) D^2 at the share s of the way: a quarter of D^2 at most, so 0.25 / 400 with a
    frame a second, and 25 times that with one every 5 s."""
    teacher = CachedTeacher("clock", "c10cc10cc10cc10c", ("early", "late"))
    network = student.SoundNet8(object_classes=2, scene_classes=None)
    distiller = Distiller(network, {"objects": teacher}, DistillConfig())
    frame_secs = np.arange(0, CLIP_SECS, every_secs, dtype=np.float32)
    late = (frame_secs / 20) ** 2
    batch = {
        "waveform": tf.zeros([1, round(CLIP_SECS * SAMPLE_RATE)]),
        "lengths": tf.constant([round(CLIP_SECS * SAMPLE_RATE)]),
        "frame_secs": frame_secs[None],
        "frame_mask": np.ones([1, len(frame_secs)], bool),
        "posteriors/objects": np.stack([1 - late, late], -1)[None],
    }
    posteriors, mask = distiller.targets(batch)["objects"]
    heads = student.architecture_of(network).heads
    centres = heads.first_centre_secs + heads.hop_secs * np.arange(4)
    share = centres / every_secs % 1
    expected = (centres**2 + share * (1 - share) * every_secs**2) / 400
    assert mask.numpy().tolist() == [[True] * 4]
    np.testing.assert_allclose(posteriors[0, :, 1], expected, atol=1e-5)


def test_class_counts_of_cached_teachers_must_fit():
    teacher = CachedTeacher("clock", "c10cc10cc10cc10c", ("early", "late"))
    network = student.SoundNet5(object_classes=3, scene_classes=None)
    with pytest.raises(ValueError, match="'objects' has 3 classes, its teacher clock has 2"):
        Distiller(network, {"objects": teacher}, DistillConfig())


def test_a_batch_without_the_heads_posteriors_is_refused():
    """As when the pipeline gives frames: the key that is missing is named."""
    teacher = CachedTeacher("clock", "c10cc10cc10cc10c", ("early", "late"))
    network = student.SoundNet5(object_classes=2, scene_classes=None)
    distiller = Distiller(network, {"objects": teacher}, DistillConfig())
    batch = {"waveform": tf.zeros([1, 88200]), "lengths": tf.constant([88200])}
    with pytest.raises(KeyError, match="posteriors/objects"):
        distiller.targets(batch)
