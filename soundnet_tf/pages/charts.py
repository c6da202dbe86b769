"""Charts that answer, by Vega-Lite: its code stands whole in the page, from the package vl-convert.

A template includes `pages/charts.html`, which draws every specification that `chart` made, on
canvas, in the colours of the page, light or dark.
"""

import functools
from typing import Any

from markupsafe import Markup

_ASK = (
    "charts need the package vl-convert-python, which carries Vega-Lite: pip install "
    "'soundnet-tf[report]'"
)


@functools.cache
def bundle() -> Markup:
    """Vega, Vega-Lite and Vega-Embed as one script; it names `vegaEmbed` and `vega`.

    Raises:
        ImportError: vl-convert is not installed.
    """
    try:
        import vl_convert
    except ImportError as error:
        raise ImportError(_ASK) from error
    script = vl_convert.javascript_bundle()
    if "</script" in script.lower() or "<!--" in script:
        raise RuntimeError(
            f"Vega-Lite's code from vl-convert {vl_convert.__version__} cannot stand in a page"
        )
    return Markup(script)  # of a pinned package


def chart(described: str, values: list[dict[str, Any]], **spec: Any) -> dict[str, Any]:
    """A Vega-Lite specification with its data inside.

    Args:
        described: what the chart shows, for screen readers.
        values: rows.
        **spec: `mark`, `encoding`, `height` and others of Vega-Lite; the width is the page's.
    """
    return {
        "description": described,
        "data": {"values": values},
        "width": "container",
        "autosize": {"type": "fit", "contains": "padding"},
    } | spec
