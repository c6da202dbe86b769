"""Names in TensorBoard's texts, as its own Markdown and sanitiser show them."""

import html
import re

import pytest
from tensorboard import plugin_util

from soundnet_tf.training.board import markdown

NAMES = [
    "tiger cat",
    "a|b",
    "*bold* _under_ `code` # head",
    "[link](http://x)",
    "<script>alert(1)</script>",
    "café & crème",
    "1. item",
    "\\*",
]


def shown(text):
    return plugin_util.markdown_to_safe_html(text)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_shown_as_it_is(name):
    cells = re.findall(
        "<td>(.*?)</td>", shown(markdown.table(["x", "y"], [[markdown.escape(name), "1"]]))
    )
    assert [html.unescape(cell) for cell in cells] == [name, "1"]
    assert not re.search("<(em|strong|code|a|script)", shown(markdown.escape(name)))


def test_a_name_is_one_line():
    assert markdown.escape(" a\n| b\tc ") == "a &#124; b c"
