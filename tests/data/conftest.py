"""What the tests of preparation and labelling share: good videos, settings, teachers, shards."""

import labelled_shards
import prepare_material
import pytest


@pytest.fixture(scope="module")
def good_folder(tmp_path_factory):
    return prepare_material.write_good_videos(tmp_path_factory.mktemp("good"))


@pytest.fixture
def config(good_folder, tmp_path):
    def make(videos=good_folder, out=tmp_path / "shards", **changes):
        return prepare_material.config(videos, out, **changes)

    return make


@pytest.fixture(scope="module")
def specs(tmp_path_factory):
    return labelled_shards.write_teachers(tmp_path_factory.mktemp("teachers"))


@pytest.fixture(scope="module")
def both(specs):
    return {head: specs[head] for head in ("objects", "scenes")}


@pytest.fixture(scope="module")
def prepared(good_folder, tmp_path_factory):
    """12 clips of 2 s and 1 s with a frame each second, in three shards; a fourth is empty."""
    out = tmp_path_factory.mktemp("prepared") / "shards"
    prepare_material.run(prepare_material.config(good_folder, out, num_shards=3))
    return out


@pytest.fixture(scope="module")
def labelled(prepared, both, tmp_path_factory):
    """Labelled in one unbroken run."""
    folder = labelled_shards.copy_of(prepared, tmp_path_factory.mktemp("labelled") / "shards")
    assert labelled_shards.run(folder, both).written == 3
    return folder


@pytest.fixture
def fresh(prepared, tmp_path):
    return labelled_shards.copy_of(prepared, tmp_path / "shards")
