"""The class lists are the published ones: counts, orders and spellings known from elsewhere."""

import subprocess
import sys

import pytest

from soundnet_tf import labels


@pytest.mark.parametrize(
    ("name", "count"), [("imagenet_1000", 1000), ("places2_401", 401), ("places365", 365)]
)
def test_counts_and_unique_keys(name, count):
    assert len(labels.load(name)) == count
    assert len(set(labels.keys(name))) == count
    assert all(text and text == text.strip() for text in labels.load(name))


def test_imagenet_outputs_that_everybody_knows():
    names = labels.load("imagenet_1000")
    assert names[0] == "tench, Tinca tinca"
    assert names[207] == "golden retriever"
    assert names[281] == "tabby, tabby cat"
    assert names[999] == "toilet tissue, toilet paper, bathroom tissue"
    assert labels.keys("imagenet_1000")[207] == "n02099601"


def test_imagenet_order_is_that_of_the_sorted_wordnet_ids():
    wnids = labels.keys("imagenet_1000")
    assert list(wnids) == sorted(wnids)


def test_only_crane_names_two_imagenet_classes():
    names = labels.load("imagenet_1000")
    assert [i for i, name in enumerate(names) if names.count(name) > 1] == [134, 517]
    assert names[134] == names[517] == "crane"


def test_places_names():
    assert labels.keys("places365")[1] == "/a/airplane_cabin"
    assert labels.load("places365")[1] == "airplane cabin"
    assert labels.load("places2_401")[2] == "airplane cabin"
    assert "volleyball court outdoor" in labels.load("places365")
    for name in ("places2_401", "places365"):
        assert not [text for text in labels.load(name) if "_" in text or "/" in text]
        assert list(labels.keys(name)) == sorted(labels.keys(name))


def test_354_of_places365_are_in_the_401():
    """Counted from the two published lists by raw keys; the names must find the same pairs."""
    by_name = set(labels.load("places365")) & set(labels.load("places2_401"))
    by_key = set(labels.keys("places365")) & set(labels.keys("places2_401"))
    assert len(by_name) == len(by_key) == 354


def test_for_classes():
    assert labels.for_classes(1000) == labels.load("imagenet_1000")
    assert labels.for_classes(401) == labels.load("places2_401")
    assert labels.for_classes(365) == labels.load("places365")
    with_background = labels.for_classes(1001)
    assert with_background[0] == "background"
    assert with_background[1:] == labels.load("imagenet_1000")


@pytest.mark.parametrize("count", [0, -1, 366, 1002])
def test_unknown_count_names_the_known(count):
    with pytest.raises(ValueError, match=rf"{count} classes.*365, 401, 1000 and 1001"):
        labels.for_classes(count)


def test_unknown_list_names_the_known():
    with pytest.raises(ValueError, match="'imagenet'.*imagenet_1000, places2_401, places365"):
        labels.load("imagenet")


def test_no_tensorflow_is_imported():
    code = (
        "import sys, soundnet_tf.labels as labels; labels.load('places365'); "
        "print('tensorflow' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout == "False\n"
