"""What TensorBoard shows of a fine-tuning that was killed twice: every epoch once, with the figures
of the history; its settings; its filters."""

import csv
import json
import math

import event_files
import numpy as np
import pytest
from tone_manifest import SECS, write_tones

from soundnet_tf.finetuning.run import finetune
from soundnet_tf.finetuning.settings import FinetuneConfig
from soundnet_tf.sounds import labelled_set
from soundnet_tf.training import monitor
from soundnet_tf.training.board import hparams

CONFIG = FinetuneConfig(
    model="soundnet5", clip_secs=SECS, epochs=3, patience=3, batch_size=8, val_share=0.25, seed=4,
    learning_rate=1e-3, schedule="cosine",
)  # fmt: skip
FIRST_STEPS, ALL_STEPS = 2, 2  # of 12 and of 16 clips


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Killed after the second epoch of either training, before the checkpoint of it."""
    tones = labelled_set.from_manifest(write_tones(tmp_path_factory.mktemp("tones")))
    out = tmp_path_factory.mktemp("board") / "run"
    killed = {"backup": False, "backup_all": False}
    real = monitor.Backup.on_epoch_end

    def on_epoch_end(self, epoch, logs=None):
        name = self._folder.rsplit("/", 1)[1]
        if epoch == 1 and not killed[name]:
            killed[name] = True
            raise KeyboardInterrupt
        real(self, epoch, logs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(monitor.Backup, "on_epoch_end", on_epoch_end)
        for _ in killed:
            with pytest.raises(KeyboardInterrupt):
                finetune(CONFIG, tones, str(out))
        finetune(CONFIG, tones, str(out))
    assert all(killed.values())
    return out


def rows(out):
    with open(out / "history.csv", newline="") as file:
        return list(csv.DictReader(file))


def curve(folder, tag):
    return {step: float(value) for step, value in event_files.points(folder)[tag]}


def test_the_first_training_has_the_historys_figures(run):
    for folder, prefix in (("train", ""), ("validation", "val_")):
        for tag in ("loss", "accuracy"):
            expected = {
                FIRST_STEPS * (n + 1): float(row[prefix + tag]) for n, row in enumerate(rows(run))
            }
            found = curve(run / "logs" / "first" / folder, tag)
            assert len(expected) == 3 and found == pytest.approx(expected)


def test_the_rate_is_the_schedules(run):
    """A cosine from 1e-3 to 0 over 3 epochs of 2 steps."""
    expected = {n: 5e-4 * (1 + math.cos(math.pi * n / 6)) for n in (2, 4, 6)}
    found = curve(run / "logs" / "first" / "train", "learning_rate")
    assert found == pytest.approx(expected, abs=1e-9)


def test_no_step_stands_twice(run):
    """The training on all clips has as many epochs as were best before; nothing is held out."""
    best = json.loads((run / "results.json").read_text())["best_epoch"]
    found = {
        str(folder.relative_to(run / "logs")): event_files.steps(folder)
        for folder in sorted((run / "logs").glob("*/*/"))
    }
    assert found["all/train"]["loss"] == [ALL_STEPS * n for n in range(1, best + 1)]
    assert "all/validation" not in found
    for name, tags in found.items():
        for tag, steps in tags.items():
            assert steps == sorted(set(steps)), (name, tag)
    last = {"first": FIRST_STEPS * 3, "all": ALL_STEPS * best}
    for training, step in last.items():
        drawn = found[f"{training}/filters"]["filters"]
        assert drawn[-1] == step


def test_the_exported_classifiers_accuracy_is_there(run):
    results = json.loads((run / "results.json").read_text())
    ((step, accuracy),) = event_files.points(run / "logs" / "test")["accuracy"]
    assert (step, float(accuracy)) == (results["best_epoch"], pytest.approx(results["accuracy"]))


def test_its_settings_are_there_to_compare(run):
    values, metrics = event_files.hparams(run / "logs")
    assert values == hparams.of_settings(CONFIG)
    assert values["learning_rate"] == 1e-3 and values["layers"] == "" and values["dropout"] == 0.5
    for folder, tag in metrics:
        assert tag in event_files.points(run / "logs" / folder)


def test_the_filters_are_a_picture(run):
    picture = event_files.pixels(run / "logs" / "first" / "filters", "filters")
    assert picture.shape[1] == 800 and np.std(picture) > 10
