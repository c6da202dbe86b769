"""Starting from a trained student: the trunk whole, each class's row to the class of its name."""

import numpy as np
import pytest
from lively import lively

from soundnet_tf.models import checkpoint, initialise, student

OBJECTS = ("cat", "dog", "crane", "rain", "crane")  # the bird and the machine
NEW_OBJECTS = ("dog", "tram", "crane", "crane", "crane", "cat")
SCENES = ("street", "sea")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A network whose head rows are told apart, in a folder."""
    network = lively(student.SoundNet5(object_classes=5, scene_classes=2))
    folder = str(tmp_path_factory.mktemp("source"))
    checkpoint.save_student(folder, network, {"objects": OBJECTS, "scenes": SCENES})
    return folder, network


def rows(network, head):
    """Kernel and bias of each class, side by side: [classes, numbers]."""
    kernel, bias = network.get_layer(head).get_weights()
    return np.concatenate([kernel.reshape(-1, bias.size), bias[None]]).T


def test_rows_go_by_the_names_of_classes(source):
    """Of names that stand there several times the first goes to the first and so on; the third
    crane and the tram are unknown and stay as they were."""
    folder, trained = source
    fresh = lively(student.SoundNet5(object_classes=6, scene_classes=2), seed=1)
    before = rows(fresh, "objects")
    starts = initialise.initialise(fresh, {"objects": NEW_OBJECTS, "scenes": SCENES[::-1]}, folder)
    theirs = rows(trained, "objects")
    expected = [theirs[1], before[1], theirs[2], theirs[4], before[4], theirs[0]]
    np.testing.assert_array_equal(rows(fresh, "objects"), expected)
    np.testing.assert_array_equal(rows(fresh, "scenes"), rows(trained, "scenes")[::-1])
    assert starts["objects"] == initialise.HeadStart(classes=6, shared=4)
    assert starts["scenes"] == initialise.HeadStart(classes=2, shared=2)


def test_the_trunk_is_copied_bit_for_bit(source):
    """Moving statistics too: 4 convolutions of 2 arrays, 4 batch norms of 4."""
    folder, trained = source
    fresh = lively(student.SoundNet5(object_classes=6, scene_classes=None), seed=1)
    initialise.initialise(fresh, {"objects": NEW_OBJECTS}, folder)
    compared = 0
    for layer in trained.layers:
        if layer.name in ("objects", "scenes") or not layer.variables:
            continue
        pairs = zip(layer.variables, fresh.get_layer(layer.name).variables, strict=True)
        for theirs, ours in pairs:
            np.testing.assert_array_equal(theirs, ours, err_msg=theirs.path)
            compared += 1
    assert compared == 4 * 2 + 4 * 4


def test_a_head_that_the_source_lacks_stays_as_it_was(tmp_path):
    lacking = student.SoundNet5(object_classes=None, scene_classes=2)
    checkpoint.save_student(str(tmp_path), lacking, {"scenes": SCENES})
    fresh = lively(student.SoundNet5(object_classes=5, scene_classes=2))
    before = rows(fresh, "objects")
    starts = initialise.initialise(fresh, {"objects": OBJECTS, "scenes": SCENES}, str(tmp_path))
    np.testing.assert_array_equal(rows(fresh, "objects"), before)
    assert starts["objects"] == initialise.HeadStart(classes=5, shared=0)
    np.testing.assert_array_equal(rows(fresh, "scenes"), rows(lacking, "scenes"))


def test_another_architecture_is_refused(source):
    fresh = student.SoundNet8(object_classes=5, scene_classes=2)
    with pytest.raises(ValueError, match="is a soundnet5, the student a soundnet8"):
        initialise.initialise(fresh, {"objects": OBJECTS, "scenes": SCENES}, source[0])
