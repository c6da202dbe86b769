"""Pictures of an evaluation: files that open, of the right size, for few classes and many."""

import numpy as np
import PIL.Image
import pytest

from soundnet_tf.evaluation import plots


def content_of(classes=3, layers=("pool5", "conv6"), seed=0):
    confusion = np.random.default_rng(seed).integers(0, 9, (classes, classes))
    rows = [
        {"layer": layer, "input_scale": 1.0, "accuracy_mean": 0.9 - i / 10, "accuracy_std": 0.02}
        for i, layer in enumerate(layers)
    ]
    return {
        **rows[0],
        "rows": rows,
        "confusion": confusion.tolist(),
        "classes": [f"class {i}" for i in range(classes)],
        "baselines": {
            "mfcc": {"accuracy_mean": 0.6},
            "untrained": {"accuracy_mean": 0.7},
            "chance": 0.1,
        },
    }


def test_files_open_and_have_their_sizes(tmp_path):
    """At 120 dots per inch: 3.5 + 0.32 inches a class by one less; 2 + 0.7 inches a row by 4."""
    paths = plots.save(content_of(), str(tmp_path))
    assert paths == [str(tmp_path / "confusion.png"), str(tmp_path / "layers.png")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["confusion.png", "layers.png"]
    sizes = []
    for path in paths:
        with PIL.Image.open(path) as image:
            assert image.format == "PNG"
            assert len(np.unique(np.asarray(image.convert("L")))) > 10, "it is not blank"
            sizes.append(image.size)
    assert sizes == [(535, 415), (408, 480)]


def test_fifty_classes(tmp_path):
    paths = plots.save(content_of(classes=50), str(tmp_path))
    with PIL.Image.open(paths[0]) as image:
        image.load()
        assert image.size == (2340, 2220)


def test_one_row_needs_no_picture_of_layers(tmp_path):
    paths = plots.save(content_of(layers=("pool5",)), str(tmp_path))
    assert paths == [str(tmp_path / "confusion.png")] and len(list(tmp_path.iterdir())) == 1


def test_a_picture_is_written_over_an_older_one(tmp_path):
    (tmp_path / "confusion.png").write_text("old")
    plots.save(content_of(), str(tmp_path))
    with PIL.Image.open(tmp_path / "confusion.png") as image:
        assert image.format == "PNG"


def test_the_confusion_shows_shares_of_the_true_class_and_counts():
    content = content_of() | {"confusion": [[3, 1, 0], [0, 0, 0], [1, 1, 2]]}
    axes = plots.confusion(content).axes[0]
    shares = axes.images[0].get_array()
    np.testing.assert_allclose(shares, [[0.75, 0.25, 0], [0, 0, 0], [0.25, 0.25, 0.5]])
    counts = {text.get_position(): text.get_text() for text in axes.texts}
    assert counts == {(0, 0): "3", (1, 0): "1", (0, 2): "1", (1, 2): "1", (2, 2): "2"}
    assert [label.get_text() for label in axes.get_yticklabels()] == content["classes"]
    assert axes.get_ylabel() == "is" and axes.get_title() == "pool5: 90.0 % right"


def test_of_many_classes_counts_are_left_out():
    assert not plots.confusion(content_of(classes=21)).axes[0].texts


def test_layers_of_one_name_at_two_scales_are_two_bars():
    content = content_of(layers=("pool5", "pool5"))
    content["rows"][1]["input_scale"] = 2.0
    axes = plots.layers(content).axes[0]
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([90, 80])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["pool5\nx 1", "pool5\nx 2"]
    heights = [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--"]
    assert heights == pytest.approx([70, 60, 10])
