"""Which labelled set is meant, by a manifest or by the name of a benchmark."""

import pytest

from soundnet_tf.sounds.settings import SoundsConfig


def test_a_manifest_is_a_csv_and_a_benchmark_has_its_name_and_folder():
    manifest, benchmark = SoundsConfig("M.csv"), SoundsConfig(dataset="esc10", data="FOLDER")
    assert (manifest.kind, manifest.path) == ("csv", "M.csv")
    assert (benchmark.kind, benchmark.path) == ("esc10", "FOLDER")


def test_both_or_half_of_one_are_refused():
    with pytest.raises(ValueError, match="give either --manifest"):
        SoundsConfig("M.csv", "esc10", "FOLDER")
    with pytest.raises(ValueError, match="--dataset and --data, its folder, go together"):
        SoundsConfig(dataset="esc10")
