"""Which students are kept, and how a run's figures are put into a table."""

import csv

from soundnet_tf.models import checkpoint, student
from soundnet_tf.training import monitor, report


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
    ]
