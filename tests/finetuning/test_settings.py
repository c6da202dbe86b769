"""What each setting of fine-tuning does in a run: what is heard, weighed, moved and kept."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from lively import lively
from sklearn.linear_model import LogisticRegression
from tone_manifest import SECS, write_tones

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.finetuning import batches
from soundnet_tf.finetuning import run as finetuning
from soundnet_tf.finetuning.callbacks import ReseedDropout
from soundnet_tf.finetuning.classifier import SoundClassifier
from soundnet_tf.finetuning.settings import ChangesConfig, FinetuneConfig
from soundnet_tf.models import checkpoint, student
from soundnet_tf.sounds import labelled_set
from soundnet_tf.sounds.waveforms import read_clips
from soundnet_tf.training import monitor

# Of folds 1 and 3 some of each class are held out: of 8 hums round(0.3 x 8) = 2, of 2 whistles 1.
# The second training hears the held-out ones as well.
TRAIN_COUNTS, ALL_COUNTS = np.array([6, 1]), np.array([8, 2])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("model"))
    network = lively(student.SoundNet5(object_classes=2, scene_classes=None))
    checkpoint.save_student(folder, network, {"objects": ("a", "b")})
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Four hums a fold, and one whistle; of fold 2 but one hum, so that it has another balance."""
    whole = labelled_set.from_manifest(
        write_tones(tmp_path_factory.mktemp("tones"), rare="whistle")
    )
    *_, hum = (c for c in whole.clips if (c.label, c.fold) == ("low hum", "2"))
    clips = [c for c in whole.clips if (c.label, c.fold) != ("low hum", "2") or c == hum]
    return dataclasses.replace(whole, clips=tuple(clips))


@pytest.fixture(scope="module")
def config(model):
    """No setting has its default, so that one that is dropped on the way shows."""
    return FinetuneConfig(
        model=model, test_fold="2", val_share=0.3, layers=("pool1", "conv2"), learning_rate=0.004,
        schedule="cosine", trunk_scale=0.25, dropout=0.4, class_weights="balanced",
        clip_secs=SECS, augment=False, epochs=2, patience=1, batch_size=4, seed=3,
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(config, data, tmp_path_factory):
    """A run in `out`, its `results`, and of both trainings the arguments of `fit`, its `batches`,
    the optimizer's configuration, and the `regressions` (their sample weights)."""
    out = tmp_path_factory.mktemp("run") / "run"
    seen = {"out": out, "fits": [], "batches": [], "optimizers": [], "regressions": []}
    fit, regress = SoundClassifier.fit, LogisticRegression.fit

    def recorded_fit(self, batches, **arguments):
        seen["fits"].append(arguments)
        seen["batches"].append([(x.numpy(), y.numpy()) for x, y in batches])
        seen["optimizers"].append(self.optimizer.get_config())
        return fit(self, batches, **arguments)

    def recorded_regression(self, x, y, sample_weight=None):
        seen["regressions"].append((y, sample_weight))
        return regress(self, x, y, sample_weight)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SoundClassifier, "fit", recorded_fit)
        patch.setattr(LogisticRegression, "fit", recorded_regression)
        seen["results"] = finetuning.finetune(config, data, str(out))
    return seen


def balanced(counts):
    """n / (classes n_c): what each class weighs so that all weigh the same."""
    return counts.sum() / (len(counts) * counts)


@pytest.mark.parametrize(("training", "counts"), [(0, TRAIN_COUNTS), (1, ALL_COUNTS)])
def test_rare_classes_weigh_more_in_the_loss_and_at_the_start(run, training, counts):
    """First 7 / (2 * 6) = 0.58 and 7 / (2 * 1) = 3.5, then 0.625 and 2.5."""
    expected = balanced(counts)
    weights = run["fits"][training]["class_weight"]
    np.testing.assert_allclose([weights[0], weights[1]], expected)
    labels, sample_weights = run["regressions"][training]
    np.testing.assert_array_equal(np.bincount(labels), counts)
    np.testing.assert_allclose(sample_weights, expected[labels])


def test_both_trainings_hear_their_clips_as_they_are(run, data, config):
    """Every clip of its part once an epoch; the rest of an epoch's clips makes a smaller batch."""
    waveforms = read_clips(data, SECS, progress=False)
    parts = batches.split(data, "2", 0.3, seed=3)
    both = np.union1d(parts.train, parts.validation)
    for seen, clips, epochs in zip(
        run["batches"], (parts.train, both), (2, run["results"]["best_epoch"]), strict=True
    ):
        assert {data.clips[i].fold for i in clips} == {"1", "3"}
        whole, rest = divmod(len(clips), config.batch_size)
        assert [len(x) for x, _ in seen] == ([config.batch_size] * whole + [rest]) * epochs
        heard = np.concatenate([x for x, _ in seen])[: len(clips)]
        order = [clips[np.all(waveforms[clips] == x, axis=1).argmax()] for x in heard]
        assert sorted(order) == clips.tolist()
        np.testing.assert_array_equal(heard, waveforms[order])
        found = np.concatenate([y for _, y in seen])[: len(clips)]
        np.testing.assert_array_equal(found, data.labels[order])


def test_the_held_out_clips_are_those_that_stop(run, data):
    first, second = run["fits"]
    parts = batches.split(data, "2", 0.3, seed=3)
    (held_out,) = list(first["validation_data"].unbatch().batch(100))
    waveforms = read_clips(data, SECS, progress=False)
    np.testing.assert_array_equal(held_out[0], waveforms[parts.validation])
    np.testing.assert_array_equal(held_out[1], data.labels[parts.validation])
    assert second["validation_data"] is None


def test_epochs_of_both_trainings(run):
    """The second has as many as the first one's lowest loss tells, counted from 1."""
    losses = [float(r["val_loss"]) for r in monitor.read_history(run["out"] / "history.csv")]
    first, second = run["fits"]
    assert first["epochs"] == 2 and len(losses) == 2
    assert second["epochs"] == run["results"]["best_epoch"] == np.argmin(losses) + 1


def test_rates_seed_and_layers_reach_both_trainings(run):
    assert len(run["optimizers"]) == 2
    for optimizer, fit in zip(run["optimizers"], run["fits"], strict=True):
        rate = optimizer["learning_rate"]["config"]
        assert rate["initial_learning_rate"] == pytest.approx(0.004) and rate["alpha"] == 0
        steps = fit["epochs"] * fit["steps_per_epoch"]  # at the last of which it is 0
        assert rate["decay_steps"] == steps > 0
        assert (optimizer["trunk_scale"], optimizer["head_names"]) == (0.25, ("classes",))
    for fit in run["fits"]:
        (reseed,) = [c for c in fit["callbacks"] if isinstance(c, ReseedDropout)]
        assert reseed._seed == 3
    assert run["results"]["test_fold"] == "2"
    with open(run["out"] / "classifier" / "assets" / "metadata.json") as file:
        metadata = json.load(file)
    assert (metadata["layers"], metadata["clip_secs"]) == (["pool1", "conv2"], SECS)
    *_, kernel, _ = tf.saved_model.load(str(run["out"] / "classifier")).variables
    assert kernel.shape == (2 * (32 + 64), 2)  # means and greatest values of both layers


def test_the_loss_is_the_weighted_mean_of_the_clips(config, tmp_path):
    """Σ w l / n over the 7 clips of the only step, dropout and all, from the regression's head. (In
    fold 3 all is noise, so that clips differ in their losses.)"""
    data = labelled_set.from_manifest(write_tones(tmp_path, noise_fold=3, rare="whistle"))
    one_step = dataclasses.replace(config, epochs=1, batch_size=16)
    finetuning.finetune(one_step, data, str(tmp_path / "run"))
    clips = batches.split(data, "2", 0.3, seed=3).train
    waveforms, labels = read_clips(data, SECS, progress=False)[clips], data.labels[clips]
    network = SoundClassifier(checkpoint.load_student(config.model)[0], 2, config.layers, 0.4)
    for layer in network.trunk.layers:
        layer.trainable = False  # batch norms keep their statistics
    weights = balanced(TRAIN_COUNTS)
    network.start(batches.hear(network, waveforms, 16), labels, weights)
    ((batch, order),) = batches.train_batches(waveforms, labels, 16, False, 3, epochs=1)
    network.dropout.seed_generator.state.assign([3, 0])
    logits = network(batch, training=True).numpy().astype(np.float64)
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(7), order.numpy()]
    expected = np.mean(weights[order.numpy()] * losses)
    (row,) = monitor.read_history(tmp_path / "run" / "history.csv")
    assert float(row["loss"]) == pytest.approx(expected, rel=1e-4)
    assert abs(expected / losses.mean() - 1) > 0.01  # that of equal weights is another


@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.625, 2.5)])
def test_the_start_is_the_regression_of_weighted_clips(weights):
    """There the gradient is 0: C Σ w (p - y) x + w_head, and Σ w (p - y) of the bias."""
    rng, weights = np.random.default_rng(0), np.array(weights)
    network = SoundClassifier(student.SoundNet5(), 2, ["conv1"])
    labels = np.repeat([0, 1], [40, 10])
    heard = np.float32(rng.normal(2, 3, (50, 64)) + labels[:, None])
    network.start(heard, labels, weights)
    kernel, bias = network.head.get_weights()
    x = (heard - heard.mean(axis=0)) / heard.std(axis=0)
    wrong = keras.ops.softmax(x @ kernel + bias).numpy()[:, 1] - labels
    wrong *= weights[labels]
    assert abs(wrong.sum()) < 1e-2
    np.testing.assert_allclose(0.02 * x.T @ wrong + 2 * kernel[:, 1], 0, atol=1e-3)


def test_the_last_batch_of_the_test_is_classified_too(tmp_path):
    """17 clips in batches of 5, of an export that says what a clip's first sample is."""
    root = tf.train.Checkpoint()

    @tf.function(input_signature=[tf.TensorSpec([None, None])])
    def call(waveform):
        return {"probabilities": tf.one_hot(tf.cast(waveform[:, 0], tf.int32), 7)}

    root.__call__ = call
    tf.saved_model.save(root, str(tmp_path / "classifier"))
    expected = 3 * np.arange(17) % 7
    waveforms = np.tile(np.float32(expected)[:, None], 2)
    found = finetuning._classify(str(tmp_path / "classifier"), waveforms, 5)
    np.testing.assert_array_equal(found, expected)


def test_where_no_clip_is_held_out_all_are_learned_for_all_epochs(config, data, tmp_path):
    """One training, of which there is no history; 3 epochs of all 10 clips of folds 1 and 3."""
    fits = []
    with pytest.MonkeyPatch.context() as patch:
        fit = SoundClassifier.fit

        def recorded(self, batches, **arguments):
            fits.append(arguments | {"clips": sum(len(x) for x, _ in batches)})
            return fit(self, batches, **arguments)

        patch.setattr(SoundClassifier, "fit", recorded)
        all_clips = dataclasses.replace(config, val_share=0.0, epochs=3)
        results = finetuning.finetune(all_clips, data, str(tmp_path / "run"))
    (only,) = fits
    assert (only["epochs"], only["clips"], only["validation_data"]) == (3, 30, None)
    assert (results["best_epoch"], results["epochs"]) == (3, 0)
    assert results["clips"]["train"] == 10 and results["clips"]["validation"] == 0
    assert results["val_loss"] is None and results["val_accuracy"] is None
    assert json.loads((tmp_path / "run" / "results.json").read_text()) == results


def test_changes_reach_both_trainings_but_no_clip_that_is_held_out_or_tested(
    config, data, tmp_path
):
    """Stretches of a quarter of a clip, mixed, weighed by their shares of classes: 7 clips of
    weights 7 / 12 and 7 / 2, then 10 of 0.625 and 2.5. Held-out clips are whole and of one
    class."""
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        fit = SoundClassifier.fit

        def recorded(self, batches, **arguments):
            seen.append(([[a.numpy() for a in b] for b in batches], arguments))
            return fit(self, batches, **arguments)

        patch.setattr(SoundClassifier, "fit", recorded)
        changes = ChangesConfig(SECS / 4, 3.0, True, 1.0)
        changed = dataclasses.replace(config, augment=True, changes=changes, epochs=1)
        finetuning.finetune(changed, data, str(tmp_path / "run"))
    for (drawn, arguments), counts in zip(seen, (TRAIN_COUNTS, ALL_COUNTS), strict=True):
        assert arguments["class_weight"] is None
        shares = np.concatenate([y for _, y, _ in drawn])
        assert {x.shape[1] for x, _, _ in drawn} == {round(SECS / 4 * SAMPLE_RATE)}
        np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_allclose(
            np.concatenate([w for *_, w in drawn]), shares @ balanced(counts), rtol=1e-5
        )
    ((x, y),) = list(seen[0][1]["validation_data"])
    assert x.shape[1] == round(SECS * SAMPLE_RATE)
    held_out = data.labels[batches.split(data, "2", 0.3, seed=3).validation]
    np.testing.assert_array_equal(y, np.eye(2)[held_out])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"augment": False}, "crop_seconds needs augment, which chooses the stretch"),
        ({"clip_secs": 1.0}, "crops of 2.0 s do not fit clips of 1.0 s; give a smaller"),
    ],
)
def test_crops_that_cannot_be_drawn_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        FinetuneConfig(changes=ChangesConfig(crop_secs=2.0), **wrong)
