"""Pages from templates: one file each, which asks nothing of any network.

Templates lie in `assets/`, in a folder of the stage's name, and extend `pages/base.html`, which
brings the style and forbids all requests. Whatever they are given is escaped; data for scripts goes
in by the filter `script_json`.
"""

import functools
import json
import pathlib
from typing import Any

import jinja2
from markupsafe import Markup

ASSETS = pathlib.Path(__file__).resolve().parents[1] / "assets"


def render(template: str, **content: Any) -> str:
    """The page that a template makes of `content`.

    Args:
        template: its path in `assets/`, as "report/report.html".
        **content: what the template names; text is escaped, `Markup` is not.

    Raises:
        jinja2.UndefinedError: the template names something that is not given.
    """
    return _environment().get_template(template).render(**content)


def as_script(value: Any) -> str:
    """JSON that may stand in a <script>: nothing in it can end that, or begin a comment.

    Raises:
        ValueError: a number that is not finite, which JSON has not.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["script_json"] = lambda value: Markup(as_script(value))
    return environment
