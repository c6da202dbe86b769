"""The page that hears, of two small students, opened in Chromium from the disk."""

import browser as browsers
import hear_page
import playwright.sync_api
import pytest

from soundnet_tf.serving.export import run as export

expect = playwright.sync_api.expect


@pytest.fixture(scope="module")
def students():
    return {
        "soundnet8": hear_page.network("soundnet8"),
        "soundnet5": hear_page.network("soundnet5", ["scenes"]),
    }


@pytest.fixture(scope="module")
def student(students):
    """The one of `page`."""
    return students["soundnet5"]


@pytest.fixture(scope="module")
def pages(students, tmp_path_factory):
    """The files, by the students' names."""
    folder = tmp_path_factory.mktemp("pages")
    paths = {name: folder / "new" / f"{name}.html" for name in students}
    for name, path in paths.items():
        student = students[name]
        written = export.export(student, hear_page.labels_of(student), str(path), ("page",))
        assert written == [str(path)]
    return paths


@pytest.fixture
def page(browser, pages):
    with browsers.opened(browser, pages["soundnet5"]) as opened:
        expect(opened.locator("#status")).to_have_text("Ready.")
        yield opened
