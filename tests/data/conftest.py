"""What the tests of preparation share: a folder of good videos, and settings to prepare it with."""

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
