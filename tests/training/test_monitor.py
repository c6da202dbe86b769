"""Which students are kept, and how a run's figures are put into a table."""

import csv
import math
from types import SimpleNamespace

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from soundnet_tf.models import checkpoint, student
from soundnet_tf.training import monitor, report


@pytest.mark.parametrize(
    ("losses", "best"), [((math.nan, 2.0, 1.0), 2), ((2.0, math.nan, 3.0), 0), ((math.nan,) * 2, 0)]
)
def test_an_epoch_whose_loss_is_no_number_is_not_best_for_ever(tmp_path, losses, best):
    network = student.SoundNet5(object_classes=2, scene_classes=None)
    save = monitor.SaveStudents(str(tmp_path), network, {"objects": ("a", "b")})
    history = monitor.History(str(tmp_path))
    for epoch, val_loss in enumerate(losses):
        network.get_layer("objects").bias.assign([epoch, -epoch])
        for callback in (save, history):
            callback.on_epoch_end(epoch, {"val_loss": val_loss})
    found, _ = checkpoint.load_student(str(tmp_path / "best"))
    assert found.get_layer("objects").bias.numpy()[0] == best


def test_best_is_the_student_of_the_lowest_held_out_loss(tmp_path):
    """Losses 3, 1, 2, 1: the second is best, and an equal one later is no better. Each epoch's
    student is known by a bias."""
    network = student.SoundNet5(object_classes=2, scene_classes=None)
    save = monitor.SaveStudents(str(tmp_path), network, {"objects": ("a", "b")})
    history = monitor.History(str(tmp_path))
    kept = []
    for epoch, val_loss in enumerate((3.0, 1.0, 2.0, 1.0)):
        network.get_layer("objects").bias.assign([epoch, -epoch])
        for callback in (save, history):
            callback.on_epoch_end(epoch, {"loss": 9.0 - epoch, "val_loss": val_loss})
        students = [checkpoint.load_student(str(tmp_path / n))[0] for n in ("best", "last")]
        kept.append([s.get_layer("objects").bias.numpy()[0] for s in students])
    assert kept == [[0, 0], [1, 1], [1, 2], [1, 3]]
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["val_loss"] for row in rows] == ["3.0", "1.0", "2.0", "1.0"]


def test_the_table_has_the_baselines_the_best_and_the_last_epoch():
    def row(epoch, val_loss, kl, agreement):
        figures = {"val_kl_objects": kl, "val_agreement_objects": agreement}
        figures |= {"val_shuffled_objects": kl + 1, "val_hears_objects": 2.0}
        return {"epoch": epoch, "loss": -epoch, "kl_objects": 7.0, "val_loss": val_loss} | figures

    history = [row(0.0, 0.9, 0.91, 0.1), row(1.0, 0.2, 0.21, 0.6), row(2.0, 0.5, 0.51, 0.455)]
    baselines = {
        "constant": {"kl_objects": 1.25, "agreement_objects": 0.25},
        "start": {"loss": 2.0, "kl_objects": 2.0, "agreement_objects": 0.0},
    }
    lines = [line.split("  ") for line in report.table(history, baselines).splitlines()]
    assert [[part.strip() for part in line if part] for line in lines] == [
        ["held-out clips", "KL objects", "agreement objects"],
        ["constant answer", "1.250", "25.0%"],
        ["before training", "2.000", "0.0%"],
        ["best, epoch 2", "0.210", "60.0%"],
        ["last, epoch 3", "0.510", "45.5%"],
        ["its pairs shuffled", "1.510"],
    ]


def test_the_table_leaves_out_what_one_held_out_video_cannot_tell():
    """Other videos' pictures: there are none."""
    row = {"epoch": 0.0, "val_loss": 1.0, "val_kl_objects": 1.0}
    baselines = {"constant": {"kl_objects": 1.0}, "start": {"kl_objects": 2.0}}
    table = report.table([row | {"val_shuffled_objects": float("nan")}], baselines)
    assert table.splitlines()[-1].strip() == "its pairs shuffled"


def test_the_table_of_a_probe_has_the_floor_the_start_the_best_and_the_last():
    def row(epoch, *accuracies):
        layers = dict(zip(("conv3", "pool3"), accuracies, strict=True))
        spread = None if epoch is None else 10.0 * epoch
        return {"epoch": epoch, "accuracy": layers, "effective_rank": spread}

    rows = [row(0, 0.5, 0.25), row(5, 0.125, 0.75), row(9, 0.625, 0.5)]
    probed = {"set": "esc10", "recordings": 8, "untrained": row(None, 0.4, 0.3), "rows": rows}
    assert [line.split() for line in report.probe_table(probed).splitlines()] == [
        ["probe", "of", "esc10", "conv3", "pool3", "rank"],
        ["untrained", "network", "40.0%", "30.0%"],
        ["before", "training", "50.0%", "25.0%", "0.0"],
        ["best_probe,", "epoch", "5", "12.5%", "75.0%", "50.0"],
        ["last,", "epoch", "9", "62.5%", "50.0%", "90.0"],
    ]


def test_tensorboard_draws_what_figures_stand_beside(tmp_path):
    """The baselines' KL and that of shuffled pairs, each as a curve named as the run's own."""
    lines = monitor.Lines(
        str(tmp_path),
        {"constant": {"kl_objects": 2.0, "agreement_objects": 0.5}, "start": {"kl_objects": 3.0}},
    )
    lines.set_model(SimpleNamespace(optimizer=SimpleNamespace(iterations=7)))
    lines.on_epoch_end(0, {"kl_objects": 9.0, "val_kl_objects": 8.0, "val_shuffled_objects": 4.0})
    lines.on_train_end()
    for name, value in (("constant", 2.0), ("start", 3.0), ("shuffled", 4.0)):
        events = EventAccumulator(str(tmp_path / name), {"tensors": 0})
        events.Reload()
        assert events.Tags()["tensors"] == ["kl_objects"]
        (event,) = events.Tensors("kl_objects")
        assert (event.step, float(tf.make_ndarray(event.tensor_proto))) == (7, value)
