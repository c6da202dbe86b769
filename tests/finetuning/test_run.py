"""Fine-tuning on tones that anybody can tell apart, from a SoundNet-5 of random weights."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from tone_manifest import HERTZ, SECS, write_tones

from soundnet_tf.finetuning import batches
from soundnet_tf.finetuning.classifier import SoundClassifier
from soundnet_tf.finetuning.run import finetune
from soundnet_tf.finetuning.settings import ChangesConfig, FinetuneConfig
from soundnet_tf.models import checkpoint, student
from soundnet_tf.sounds import labelled_set
from soundnet_tf.sounds.waveforms import read_clips
from soundnet_tf.training import monitor


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("model"))
    network = student.SoundNet5(object_classes=2, scene_classes=None)
    checkpoint.save_student(folder, network, {"objects": ("a", "b")})
    return folder


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    return labelled_set.from_manifest(write_tones(tmp_path_factory.mktemp("tones")))


@pytest.fixture(scope="module")
def config(model):
    return FinetuneConfig(
        model=model, clip_secs=SECS, epochs=8, patience=8, batch_size=8, val_share=0.25
    )


@pytest.fixture(scope="module")
def finished(config, tones, tmp_path_factory):
    out = tmp_path_factory.mktemp("finished") / "run"
    return out, finetune(config, tones, str(out))


def variables(out):
    """Arrays of the exported classifier: the trunk's in the student's order, head kernel, bias."""
    return [v.numpy() for v in tf.saved_model.load(f"{out}/classifier").variables]


def trunk(model):
    """The trunk's variables as they were before: all but the head's two."""
    network, _ = checkpoint.load_student(model)
    return [v for v in network.variables if not v.path.startswith("objects/")]


def test_it_learns_tones(finished, tones):
    """All 8 clips of fold 3 are named right; a constant answer gets 4 of them."""
    out, results = finished
    assert results["accuracy"] == 1.0 and results["floor"] == 0.5
    assert results["confusion"] == [[4, 0], [0, 4]]
    assert results["per_class"] == {"low hum": 1.0, "whistle": 1.0}
    assert results["clips"] == {"train": 12, "validation": 4, "test": 8}
    assert results["test_fold"] == "3"
    assert json.loads((out / "results.json").read_text()) == results
    run = json.loads((out / "run.json").read_text())
    assert run["settings"]["trunk_scale"] == 1.0 and run["classes"] == [*HERTZ]


def test_the_export_names_the_test_clips(finished, tones):
    out, _ = finished
    _, test = tones.split("3")
    loaded = tf.saved_model.load(str(out / "classifier"))
    names = loaded(read_clips(tones, SECS, progress=False)[test])["label"].numpy()
    assert [name.decode() for name in names] == [tones.clips[i].label for i in test]


def test_a_frozen_trunk_stays_bit_for_bit(config, tones, model, tmp_path):
    frozen = dataclasses.replace(config, freeze="trunk", epochs=2)
    finetune(frozen, tones, str(tmp_path / "run"))
    *after, _, bias = variables(tmp_path / "run")
    for variable, array in zip(trunk(model), after, strict=True):
        np.testing.assert_array_equal(variable, array)
    assert np.all(bias != 0)  # Keras starts biases at 0


def test_the_trunk_learns_but_for_its_batch_norms(finished, model):
    *after, _, _ = variables(finished[0])
    for variable, array in zip(trunk(model), after, strict=True):
        is_kernel = variable.path.endswith("/kernel")
        assert np.array_equal(variable, array) == (not is_kernel and "_bn" in variable.path)


def test_one_step_moves_head_and_trunk_by_their_own_rates(config, tones, model, tmp_path):
    """Adam's first step is the learning rate against the gradient's sign: 0.01 for the head, and
    0.01 x 0.05 for kernels."""
    one_step = dataclasses.replace(
        config, epochs=1, batch_size=16, learning_rate=0.01, trunk_scale=0.05
    )
    finetune(one_step, tones, str(tmp_path / "run"))
    network = SoundClassifier(checkpoint.load_student(model)[0], 2)
    train, _ = tones.split("3")
    clips, labels = read_clips(tones, SECS, progress=False)[train], tones.labels[train]
    network.start(batches.hear(network, clips, 16), labels, np.ones(2))
    start_kernel, start_bias = network.head.get_weights()
    *after, kernel, bias = variables(tmp_path / "run")
    bias = bias + network.mean.numpy() @ kernel  # the export's standardise as well
    kernel = kernel * network.deviation.numpy()[:, None]
    np.testing.assert_allclose(np.abs(bias - start_bias), 0.01, rtol=0.02)
    np.testing.assert_allclose(np.median(np.abs(kernel - start_kernel)), 0.01, rtol=0.02)
    for variable, array in zip(trunk(model), after, strict=True):
        if variable.path.endswith("/kernel"):
            assert np.abs(array - variable.numpy()).max() == pytest.approx(0.0005, rel=1e-2)


def test_the_head_begins_as_a_regression_of_what_the_trained_network_hears(model, tones):
    """Its gradient is 0 there: of the mean loss, Σ (p - y) x / n + kernel / (n C), x standardised.
    A deviation of 0 (a channel that is always the same) divides nothing."""
    network = SoundClassifier(checkpoint.load_student(model)[0], 2)
    heard = batches.hear(network, read_clips(tones, SECS, progress=False), 8)
    heard[:, 3] = 1.5
    network.start(heard, tones.labels, np.ones(2))
    x = (heard - heard.mean(axis=0)) / np.where(heard.std(axis=0) > 0, heard.std(axis=0), 1)
    np.testing.assert_allclose(network.mean, heard.mean(axis=0), rtol=1e-5)
    kernel, bias = network.head.get_weights()
    wrong = keras.ops.softmax(x @ kernel + bias).numpy() - np.eye(2)[tones.labels]
    np.testing.assert_allclose(wrong.sum(axis=0), 0, atol=1e-3)
    # Two classes have one vector w = 2 kernel[:, 1], whose penalty is w² / (2 C).
    np.testing.assert_allclose(x.T @ wrong[:, 1] + 2 * kernel[:, 1] / 0.02, 0, atol=2e-2)


def test_random_weights_learn_from_labels_alone(tones, tmp_path):
    """Nothing is frozen, and the batch norms' averages move."""
    scratch = FinetuneConfig(
        model="soundnet5", clip_secs=SECS, epochs=2, batch_size=8, val_share=0.25
    )
    results = finetune(scratch, tones, str(tmp_path / "run"))
    assert results["epochs"] == 2
    keras.utils.set_random_seed(0)
    fresh = SoundClassifier(student.SoundNet5(), 2).trunk.variables
    *after, _, _ = variables(tmp_path / "run")
    for before, now in zip(fresh, after, strict=True):
        is_idle = before.path.endswith("_conv/bias")  # only moves what the batch norm takes away
        assert is_idle or not np.array_equal(before, now), before.path


def test_all_clips_are_learned_for_as_many_epochs_as_the_held_out_ones_tell(
    config, tones, tmp_path
):
    """A far too high rate makes the held-out loss rise again; the first training stops `patience`
    epochs after its lowest. A run of that many epochs and no more exports the same bit for
    bit."""
    wild = dataclasses.replace(config, learning_rate=0.03, epochs=30, patience=3)
    results = finetune(wild, tones, str(tmp_path / "run"))
    rows = monitor.read_history(str(tmp_path / "run" / "history.csv"))
    losses = [float(row["val_loss"]) for row in rows]
    assert results["best_epoch"] == np.argmin(losses) + 1
    assert results["epochs"] == len(losses) == results["best_epoch"] + 3
    enough = dataclasses.replace(wild, epochs=results["best_epoch"], patience=30)
    again = finetune(enough, tones, str(tmp_path / "again"))
    assert again["best_epoch"] == results["best_epoch"]
    for a, b in zip(variables(tmp_path / "run"), variables(tmp_path / "again"), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_test_fold_teaches_nothing(config, tones, finished, tmp_path):
    """With noise in place of the recordings of fold 3, all weights are the same bit for bit."""
    data = labelled_set.from_manifest(write_tones(tmp_path, noise_fold=3))
    results = finetune(config, data, str(tmp_path / "run"))
    assert results["accuracy"] < 1.0
    for a, b in zip(variables(finished[0]), variables(tmp_path / "run"), strict=True):
        np.testing.assert_array_equal(a, b)


def test_other_seeds_give_other_runs(config, tones, finished, tmp_path):
    """And so other clips held out, and another order; what a seed decides, test_settings.py
    compares."""
    finetune(dataclasses.replace(config, seed=1), tones, str(tmp_path / "run"))
    assert (tmp_path / "run" / "history.csv").read_text() != (
        finished[0] / "history.csv"
    ).read_text()


@pytest.mark.parametrize("callback", [monitor.History, monitor.Backup])
def test_a_killed_run_goes_on_as_if_it_had_not_been(
    config, tones, finished, tmp_path, monkeypatch, callback
):
    """Killed in epoch 4, before its row is written or in the middle of its backup."""
    whole, results = finished
    with monkeypatch.context() as patch:
        real = callback.on_epoch_end

        def on_epoch_end(self, epoch, logs=None):
            if epoch == 3:
                raise KeyboardInterrupt
            real(self, epoch, logs)

        patch.setattr(callback, "on_epoch_end", on_epoch_end)
        with pytest.raises(KeyboardInterrupt):
            finetune(config, tones, str(tmp_path / "run"))
    half = ".latest.weights.h5.0123abcd-99999999-00ff.partial.weights.h5"
    (tmp_path / "run" / "backup" / half).write_bytes(b"half a file")
    again = finetune(config, tones, str(tmp_path / "run"))
    assert again | {"seconds": 0} == results | {"seconds": 0}
    assert (tmp_path / "run" / "history.csv").read_text() == (whole / "history.csv").read_text()
    for a, b in zip(variables(whole), variables(tmp_path / "run"), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_killed_run_from_random_weights_goes_on_too(tones, tmp_path, monkeypatch):
    """With all that is drawn on the way, and a rate that falls: killed in epoch 3 of 3."""
    scratch = FinetuneConfig(
        model="soundnet5", clip_secs=SECS, epochs=3, batch_size=8, val_share=0.0,
        learning_rate=1e-3, schedule="cosine", dropout=0.0,
        changes=ChangesConfig(SECS / 2, 4.0, True, 1.0),
    )  # fmt: skip
    whole = finetune(scratch, tones, str(tmp_path / "whole"))
    with monkeypatch.context() as patch:
        real = monitor.Backup.on_epoch_end

        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt
            real(self, epoch, logs)

        patch.setattr(monitor.Backup, "on_epoch_end", on_epoch_end)
        with pytest.raises(KeyboardInterrupt):
            finetune(scratch, tones, str(tmp_path / "run"))
    again = finetune(scratch, tones, str(tmp_path / "run"))
    assert again | {"seconds": 0} == whole | {"seconds": 0}
    for a, b in zip(variables(tmp_path / "whole"), variables(tmp_path / "run"), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_finished_run_is_left_alone(config, tones, finished):
    out, results = finished
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*")}
    assert finetune(config, tones, str(out)) == results
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*")} == before


def test_another_runs_folder_is_refused(config, tones, finished):
    other = dataclasses.replace(config, learning_rate=0.5)
    with pytest.raises(ValueError, match="other settings .learning_rate was 0.0001, is 0.5"):
        finetune(other, tones, str(finished[0]))


def test_a_run_that_diverges_says_so(config, tones, tmp_path):
    wild = dataclasses.replace(config, learning_rate=1e30)
    with pytest.raises(ValueError, match="loss of epoch 1 is nan; .* lower learning_rate"):
        finetune(wild, tones, str(tmp_path / "run"))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"test_fold": "7"}, "test fold '7': tones.csv can be tested on 1, 2, 3"),
        ({"val_share": 1.0}, "val_share is 1.0; it should be at least 0 and below 1"),
        ({"layers": ("conv9",)}, "no layer conv9 for a head; choose some of .*'conv4'"),
        ({"freeze": "all"}, "freeze 'all' is unknown; choose one of"),
        ({"class_weights": "odd"}, "class_weights 'odd' is unknown; choose one of"),
        ({"patience": 0}, "patience is 0; it should be at least 1"),
        ({"clip_secs": float("nan")}, "clip_secs .--clip_seconds. is nan; it should be above 0"),
    ],
)
def test_unfit_settings_are_named(config, tones, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        finetune(dataclasses.replace(config, **change), tones, str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()  # so that the command works once it is corrected
