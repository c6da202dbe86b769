"""A map as a page shows it: points that play, with a spectrogram and a frame of each."""

import collections
from typing import Any

import numpy as np

from soundnet_tf.files.progress import progress_bar
from soundnet_tf.pages import inside, template
from soundnet_tf.pages.spectrogram import spectrogram_source
from soundnet_tf.visualization import placing, sound_map
from soundnet_tf.visualization.map_files import Atlas
from soundnet_tf.visualization.map_sources import MapSource
from soundnet_tf.visualization.recordings import Excerpt
from soundnet_tf.visualization.sound_map import Clip, Placed, SoundMap

EXCERPT_SECS = 10.0  # from the middle of a clip

_NEAR = 6  # neighbours that are named
_COLUMNS, _HEIGHT = 240, 96  # of a spectrogram
_MARKS = 50  # colours and shapes of map.js
_MOST_TOLD = 100  # clips that could not be heard


def content(
    found: SoundMap,
    source: MapSource,
    folder: str,
    playable: int,
    atlas: Atlas | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """What the macro `sound_map` of `visualization/map.html` wants, with sounds that are read now.

    Args:
        found: by `sound_map.draw`.
        source: whose clips it places.
        folder: local, in which the page will lie; links are relative to it.
        playable: how many clips are in the page with their sound, evenly spread over all.
        atlas: gets every clip's sound too.
        progress: whether to show it on stderr.
    """
    chosen = spread(len(found.clips), playable)
    media, unread = {}, {}
    read = range(len(found.clips)) if atlas else sorted(chosen)
    with progress_bar(len(read), "cutting", "clip", progress, leave=False) as bar:
        for number in read:
            excerpt, mp3, jpeg = None, None, None
            try:
                excerpt = _excerpt(source, found.clips[number])
                mp3 = inside.mp3(excerpt.waveform)
                jpeg = None if excerpt.frame is None else inside.jpeg(excerpt.frame)
            except (ValueError, OSError) as error:  # of a file that has changed since it was heard
                unread[number] = str(error)
            if atlas:
                atlas.add(number, excerpt, mp3, jpeg)
            if number in chosen and excerpt and mp3:
                media[number] = _medium(excerpt, mp3, jpeg)
            bar.update()
    return _about(found, media) | {
        "media": media,
        "data": _data(found, source, folder, unread),
    }


def page(section: dict[str, Any]) -> str:
    """The page of `bin/visualize.py map`."""
    return template.render("visualization/map_page.html", section=section)


def spread(total: int, count: int) -> set[int]:
    """At most `count` numbers below `total`, at even distances."""
    if count >= total:
        return set(range(total))
    return {(2 * i + 1) * total // (2 * count) for i in range(count)}


def _excerpt(source: MapSource, clip: Clip) -> Excerpt:
    """The middle of a clip."""
    width_secs = min(EXCERPT_SECS, clip.duration_secs)
    middle_secs = clip.start_secs + clip.duration_secs / 2
    # A sound shorter than a sample's time is still heard, so it is asked for.
    return source.excerpt(clip.recording, clip.number, middle_secs, max(width_secs, 0.01))


def _medium(excerpt: Excerpt, mp3: bytes, jpeg: bytes | None) -> dict[str, Any]:
    return {
        "sound": inside.data_uri(mp3, "audio/mpeg"),
        "start": round(excerpt.start_secs, 2),
        "spectrogram": spectrogram_source(excerpt.waveform, _COLUMNS, _HEIGHT),
        "frame": None if jpeg is None else inside.data_uri(jpeg, "image/jpeg"),
    }


def _about(found: SoundMap, media: dict[int, Any]) -> dict[str, Any]:
    secs = sum(clip.duration_secs for clip in found.clips)
    return {
        "model": sound_map.network(found.model),
        "layer": found.layer,
        "clips": len(found.clips),
        "minutes": f"{secs / 60:.1f}",
        "playable": len(media),
        "excerpt_secs": f"{EXCERPT_SECS:g}",
        "labels_are": found.labels_are,
        "is_own": found.is_own,
        "marks": _MARKS,
        "maps": [
            {"key": key, "name": name, "told": placed.told, "clips": len(placed.clips)}
            | trust_in_words(placed.faithful)
            for key, name, placed in _maps(found)
        ],
        "skipped": _told(found.skipped),
        "skipped_count": len(found.skipped),
        "unseen": _told(found.unseen),
        "unseen_count": len(found.unseen),
    }


def _maps(found: SoundMap) -> list[tuple[str, str, Placed]]:
    maps = [("sound", "By sound", found.sound)]
    return maps + ([("pictures", "By pictures", found.pictures)] if found.pictures else [])


def trust_in_words(faithful: placing.Faithfulness) -> dict[str, Any]:
    """The figures as people read them; None where there is none."""

    def percent(share: float) -> str | None:
        return None if np.isnan(share) else f"{100 * share:.1f}"

    trust = faithful.trustworthiness
    return {
        "neighbours": faithful.neighbours,
        "trust": None if np.isnan(trust) else f"{trust:.3f}",
        "trusted": faithful.trusted,
        "features_agree": percent(faithful.features_agree),
        "map_agrees": percent(faithful.map_agrees),
        "chance": percent(faithful.chance),
    }


def _told(reasons: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "reason": why} for name, why in [*reasons.items()][:_MOST_TOLD]]


def _data(
    found: SoundMap, source: MapSource, folder: str, unread: dict[int, str]
) -> dict[str, Any]:
    """What the script knows of all clips, a list each."""
    counts = collections.Counter(filter(None, found.labels))
    names = [name for name, _ in sorted(counts.items(), key=lambda kv: (-kv[1], kv[0]))]
    index = {name: i for i, name in enumerate(names)}
    return {
        "ids": [clip.id for clip in found.clips],
        "labels": [index.get(label, -1) for label in found.labels],
        "names": names,
        "counts": [counts[name] for name in names],
        "starts": [round(clip.start_secs, 2) for clip in found.clips],
        "durations": [round(clip.duration_secs, 2) for clip in found.clips],
        "near": placing.nearest(found.sound.vectors, _NEAR).tolist(),
        "links": [source.link(clip.recording, folder) for clip in found.clips],
        "unread": {str(number): why for number, why in unread.items()},
        "maps": [
            {"clips": placed.clips.tolist(), **_scaled(placed.points)}
            for _, _, placed in _maps(found)
        ],
    }


def _scaled(points: np.ndarray) -> dict[str, list[float]]:
    """Within a square of side 1, y upwards, both by one scale."""
    low, high = points.min(axis=0), points.max(axis=0)
    side = float((high - low).max()) or 1.0
    within = (points - (low + high) / 2) / side + 0.5
    x, y = np.round(within.astype(float), 4).T.tolist()
    return {"x": x, "y": y}
