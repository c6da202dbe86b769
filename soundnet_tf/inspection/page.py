"""index.html: clips with pictures and players, to be sorted and searched, and copies side by side.

One page that needs no network. What comes from files, their names above all, stands in it as JSON
that the page's script puts in as text, never as HTML.
"""

import os
import urllib.parse
from typing import Any

from soundnet_tf.files import atomic, storage, windows
from soundnet_tf.inspection.findings import Seen
from soundnet_tf.inspection.report import Report
from soundnet_tf.inspection.tables import FIGURES
from soundnet_tf.pages import template

NAME = "index.html"
_TEMPLATE = template.ASSETS / "inspection" / "page.html"
_PLACE = "/*DATA*/"
_MOST_GROUPS = 500  # that are shown, those in both splits first; duplicates.csv has all


def write(report: Report) -> None:
    """Writes the page into the report's folder, beside its strips of pictures."""
    before, after = _TEMPLATE.read_text("utf-8").split(_PLACE)
    page = f"{before}{template.as_script(content(report))}{after}"
    atomic.write_text(os.path.join(report.config.out, NAME), page)


def content(report: Report) -> dict[str, Any]:
    """What the page shows, as JSON has it."""
    pairs = {}
    for pair in report.pairs:
        pairs[f"{pair.one} {pair.other}"] = f"{pair.kind()}: {100 * pair.share():.0f} %"
    groups = report.groups[:_MOST_GROUPS]
    return {
        "figures": [{"name": name, "meaning": told.meaning} for name, told in FIGURES.items()],
        "videos": [_video(video, report.config.out) for video in report.videos],
        "groups": [{"members": list(g.members), "is_split": g.is_split} for g in groups],
        "groups_left_out": len(report.groups) - len(groups),
        "pairs": pairs,
    }


def link(path: str, out: str) -> str | None:
    """How the page at `out` names a local file; None of one that is not there, or that is
    remote or in a tar."""
    if storage.is_remote(path) or windows.member(path) or not storage.exists(path):
        return None
    relative = os.path.relpath(path, out)
    return urllib.parse.quote(os.fsencode(relative))  # ":" too: it is never taken for a scheme


def _video(video: Seen, out: str) -> dict[str, Any]:
    return {
        "id": video.id,
        "split": video.split,
        "link": link(video.path, out),
        "reason": video.reason,
        "odd": video.odd,
        "shown": video.shown,
        "clips": [
            {
                "start": clip["start_secs"],
                "found": found,
                "problem": clip.get("problem"),
                "strip": clip.get("strip"),
                "sound": clip.get("sound"),
                "figures": [
                    None if clip.get(name) is None else round(clip[name], told.digits)
                    for name, told in FIGURES.items()
                ],
            }
            for clip, found in zip(video.clips, video.found, strict=True)
        ],
    }
