"""Exports as a whole: forms, replacing what was there, what cannot be exported."""

import keras
import numpy as np
import pytest

from soundnet_tf.models import checkpoint, student
from soundnet_tf.serving.export import run as export

LABELS = {"objects": ("dog", "rain", "sea"), "scenes": ("street", "café")}


@pytest.fixture(scope="module")
def network():
    return student.SoundNet5(object_classes=3, scene_classes=2)


def test_a_bfloat16_student_is_exported_in_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = student.SoundNet5(object_classes=3, scene_classes=None)
    keras.config.set_dtype_policy("float32")
    export.export(network, {"objects": LABELS["objects"]}, str(tmp_path), ("keras",))
    again, labels = checkpoint.load_student(str(tmp_path))
    assert again.get_layer("conv4_conv").compute_dtype == "float32"
    assert labels == {"objects": LABELS["objects"]}
    for a, b in zip(network.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_export_replaces_what_was_there(network, tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old.txt").write_text("old")
    export.export(network, LABELS, str(target), ("keras",))
    assert sorted(p.name for p in target.iterdir()) == ["labels", "student.keras"]
    assert not list(tmp_path.glob(".*"))


def test_unfit_exports_are_named(network, tmp_path):
    with pytest.raises(ValueError, match="onnx"):
        export.export(network, LABELS, str(tmp_path / "a"), ("onnx",))
    with pytest.raises(ValueError, match="include_top=True"):
        export.export(student.SoundNet5(include_top=False), {}, str(tmp_path / "a"), ("keras",))


def test_labels_that_do_not_fit_are_named(network, tmp_path):
    checkpoint.save_student(str(tmp_path), network, LABELS | {"scenes": ("street",)})
    with pytest.raises(ValueError, match="scenes.txt has 1 names, the head 2 classes"):
        checkpoint.load_student(str(tmp_path))
