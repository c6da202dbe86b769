import json

import browser as browsers
import jinja2
import pytest

from soundnet_tf.pages import charts, inside, spectrogram, template

NAUGHTY = "</script><script>alert('x')</script> <!-- \u2028 \" ' & \n é"


def test_data_of_a_script_is_what_was_given_and_ends_nothing():
    script = template.as_script({"name": NAUGHTY})
    assert not set("<>&\u2028") & set(script)
    assert json.loads(script) == {"name": NAUGHTY}


def test_a_number_that_json_has_not_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        template.as_script(float("nan"))


def a_page(tmp_path, monkeypatch, body):
    """A page whose template is `body`, among the real ones."""
    folder = tmp_path / "assets"
    folder.mkdir()
    (folder / "page.html").write_text(body)
    loaders = [jinja2.FileSystemLoader(folder), jinja2.FileSystemLoader(template.ASSETS)]
    monkeypatch.setattr(template._environment(), "loader", jinja2.ChoiceLoader(loaders))
    return "page.html"


def test_what_is_not_given_is_an_error(tmp_path, monkeypatch):
    name = a_page(tmp_path, monkeypatch, "{{ nothing }}")
    with pytest.raises(jinja2.UndefinedError, match="nothing"):
        template.render(name)


BODY = """{% extends "pages/base.html" %}
{% block title %}{{ name }}{% endblock %}
{% block body %}
<h1>{{ name }}</h1><div class="chart" data-chart="one"></div>
<audio controls src="{{ sound }}"></audio><img alt="" src="{{ spectrogram }}">
{% include "pages/charts.html" %}
{% endblock %}"""


def test_a_page_with_all_that_may_stand_in_it(browser, tmp_path, monkeypatch):
    """In a browser that has no network: the name is text, the chart is drawn with its rows, the
    sound can be played and has its length, the picture has its size."""
    import numpy as np

    pytest.importorskip("vl_convert")
    sound = np.sin(2 * np.pi * 1000 * np.arange(22050) / 22050).astype(np.float32)
    rows = [{"x": x, "y": x * x, "name": NAUGHTY} for x in range(5)]
    chart = charts.chart(
        "squares",
        rows,
        mark={"type": "point", "tooltip": True},
        encoding={"x": {"field": "x"}, "y": {"field": "y"}},
    )
    html = template.render(
        a_page(tmp_path, monkeypatch, BODY),
        name=NAUGHTY,
        sound=inside.player_source(sound),
        spectrogram=spectrogram.spectrogram_source(sound, columns=50, height=64),
        charts={"one": chart},
        bundle=charts.bundle(),
    )
    path = tmp_path / "page.html"
    path.write_text(html, "utf-8")
    with browsers.opened(browser, path, width=390, dark=True) as page:
        assert page.locator("h1").text_content() == NAUGHTY
        assert page.title().startswith("</script>")
        page.wait_for_function("document.documentElement.dataset.charts === 'drawn'")
        assert page.evaluate("charts.views.one.data('source_0').map((row) => row.y)") == [
            *(0, 1, 4, 9, 16)
        ]
        page.wait_for_function("document.querySelector('audio').readyState >= 1")
        assert page.evaluate("document.querySelector('audio').duration") == pytest.approx(1, 0.1)
        assert page.evaluate("document.querySelector('img').naturalHeight") == 64
        assert not browsers.is_wider_than_screen(page)


def test_a_page_that_asks_the_network_is_noticed(browser, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("<img src='http://127.0.0.1:9/picture.png'>")
    with pytest.raises(AssertionError, match="asks http"), browsers.opened(browser, path):
        pass
