"""Units as a page shows them: players, spectrograms and frames of the moments that excite them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from soundnet_tf.files.progress import progress_bar
from soundnet_tf.pages import template
from soundnet_tf.pages.inside import picture_source, player_source
from soundnet_tf.pages.spectrogram import spectrogram_source
from soundnet_tf.visualization.naming import Shared
from soundnet_tf.visualization.recordings import FRAME_SHORT_SIDE, Excerpt
from soundnet_tf.visualization.units import Found, Moment, Source, Unit

_LEAST_SECS = 2.0  # of a player; the first layers hear some milliseconds
_COLUMNS, _HEIGHT = 160, 96  # of a spectrogram


def content(found: Found, source: Source, shown: int, progress: bool = True) -> dict[str, Any]:
    """What the macro `units` of `visualization/units.html` wants: a few seconds of sound and a
    frame of each moment of the units to show, read now.

    Args:
        found: by `units.find`.
        source: the recordings that were heard then.
        shown: how many units, see `Found.in_order`; the others are counted.
        progress: whether to show it on stderr.
    """
    chosen = found.in_order()[:shown]
    total = sum(len(unit.moments) for unit in chosen)
    with progress_bar(total, "cutting", "moment", progress, leave=False) as bar:
        units = [_unit(found, source, unit, bar.update) for unit in chosen]
    named, first = len(found.named), len(chosen)
    return {
        "model": found.model,
        "layer": found.endpoint.name,
        "hears": _seconds(found.endpoint.receptive_field_secs),
        "plays": _seconds(_width_secs(found)),
        "recordings": found.recordings,
        "minutes": f"{found.heard_secs / 60:.1f}",
        "all": len(found.units),
        "excited": len(found.excited),
        "kinds": [*found.names],
        "is_named": bool(found.counts),
        "named": named,
        "left_out": len(found.excited) - first,
        "skipped": [{"name": name, "reason": why} for name, why in found.skipped.items()][:100],
        "skipped_count": len(found.skipped),
        "units": units,
    }


def page(section: dict[str, Any]) -> str:
    """The page of `bin/visualize.py units`."""
    return template.render("visualization/units_page.html", section=section)


def _unit(found: Found, source: Source, unit: Unit, count) -> dict[str, Any]:
    moments, frames = [], []
    for moment in unit.moments:
        try:
            at = (moment.recording, moment.piece, moment.secs, _width_secs(found))
            excerpt = source.excerpt(*at)
            moments.append(_moment(found, moment, excerpt))
            if excerpt.frame is not None:
                frames.append(excerpt.frame)
        except (ValueError, OSError) as error:  # of a file that has changed since it was heard
            moments.append(_told(found, moment) | {"problem": str(error)})
        count()
    average = average_frame(frames)
    return {
        "number": unit.number,
        "shared": unit.shared and shared_in_words(unit.shared),
        "moments": moments,
        "frames": len(frames),
        "average": None if average is None else picture_source(average),
    }


def _width_secs(found: Found) -> float:
    return max(_LEAST_SECS, found.endpoint.receptive_field_secs)


def _told(found: Found, moment: Moment) -> dict[str, Any]:
    return {
        "recording": moment.recording,
        "secs": f"{moment.secs:.2f}",
        "value": f"{moment.value:.3g}",
        "names": [n[moment.recording] for n in found.names.values() if moment.recording in n],
        "problem": None,
    }


def _moment(found: Found, moment: Moment, excerpt: Excerpt) -> dict[str, Any]:
    frame = excerpt.frame
    return _told(found, moment) | {
        "begin": f"{excerpt.start_secs:.2f}",
        "sound": player_source(excerpt.waveform),
        "spectrogram": spectrogram_source(excerpt.waveform, _COLUMNS, _HEIGHT),
        "frame": None if frame is None else picture_source(frame),
    }


def average_frame(frames: Sequence[np.ndarray]) -> np.ndarray | None:
    """The mean of the centre squares of frames, uint8 [128, 128, 3]; None of fewer than two.

    Args:
        frames: uint8 [height, width, 3] of any sizes.
    """
    if len(frames) < 2:
        return None
    total = np.zeros([FRAME_SHORT_SIDE, FRAME_SHORT_SIDE, 3])
    for frame in frames:
        side = min(frame.shape[:2])
        top, left = (frame.shape[0] - side) // 2, (frame.shape[1] - side) // 2
        square = Image.fromarray(frame[top : top + side, left : left + side])
        total += square.resize((FRAME_SHORT_SIDE, FRAME_SHORT_SIDE), Image.Resampling.BOX)
    return np.uint8(np.round(total / len(frames)))


def shared_in_words(shared: Shared) -> dict[str, Any]:
    """The numbers of a `Shared` as people read them."""
    return {
        "name": shared.name,
        "kind": shared.kind,
        "is_sure": shared.is_sure,
        "count": shared.count,
        "of": shared.of,
        "in_all": f"{100 * shared.count_in_all / shared.of_all:.1f}",
        "lift": f"{shared.lift:.1f}",
        "p": chance_in_words(shared.p_corrected),
    }


def chance_in_words(p: float) -> str:
    """Such as 0.04, 0.004 or 4e-6."""
    return f"{p:.1g}" if p >= 0.001 else f"{p:.0e}".replace("e-0", "e-")


def _seconds(secs: float) -> str:
    return f"{secs:.2f} s" if secs >= 0.1 else f"{1000 * secs:.1f} ms"
