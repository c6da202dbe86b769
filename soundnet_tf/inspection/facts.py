"""What the container of a video says, and what is odd about it."""

from typing import Any

from soundnet_tf import media
from soundnet_tf.constants import MOST_PIXELS
from soundnet_tf.media.container import declared_duration_secs, open_container
from soundnet_tf.media.layout import lay_out

Facts = dict[str, Any]

_LATE_SECS = (
    0.2  # a stream that begins so much after the other; encoders' delays are 0.13 s at most
)
_EARLY_SECS = 1.0  # one that ends so much before the other
_DECLARED_SECS, _DECLARED_SHARE = 0.5, 0.02  # by which a header may be wrong about the length
_LOWEST_RATE_HZ = 16000  # of sound: below it, half of what the network could hear is not there
_FRAME_RATES = 10, 61


def facts_of(
    path: str,
    audio_stream: int | None = None,
    video_stream: int | None = None,
    most_pixels: int = MOST_PIXELS,
) -> Facts:
    """Of a file with sound and pictures, as JSON has them; moments count from the earliest one of
    any stream, in seconds. Streams are numbered as `media.probe` does it.

    Raises:
        FileNotFoundError, MediaError: as of `media.probe`.
    """
    info = media.probe(path, audio_stream, video_stream, most_pixels)
    with open_container(path, most_pixels=most_pixels) as container:
        layout = lay_out(path, container, audio_stream, video_stream)
        declared_secs = declared_duration_secs(container)
    begins = {kind: layout.begins_secs(kind) for kind in layout.streams}
    return {
        "secs": info.duration_secs,
        "declared_secs": declared_secs,
        "container": info.container,
        "audio_codec": info.audio_codec,
        "video_codec": info.video_codec,
        "sample_rate_hz": info.sample_rate,
        "channels": info.channels,
        "width_px": info.width,
        "height_px": info.height,
        "frames_per_sec": info.frame_rate,
        "rotation_degrees": info.rotation_degrees,
        "mirrored": bool(info.mirrored),
        "audio_stream": info.audio_stream,
        "video_stream": info.video_stream,
        "audio_languages": [stream.language for stream in info.audio_streams],
        "video_streams": len(info.video_streams),
        "parts": 1 + len(layout.parts_secs()),
        "begins_secs": {kind: float(secs.min()) for kind, secs in begins.items() if len(secs)},
        "ends_secs": dict(layout.ends_secs),
    }


def oddities(facts: Facts) -> list[str]:
    """What is odd, a phrase each; nothing of a file of which there are no facts."""
    if not facts:
        return []
    languages = [language or "no language" for language in facts["audio_languages"]]
    told = ", ".join(languages)
    rate, frames = facts["sample_rate_hz"], facts["frames_per_sec"]
    turned, declared = facts["rotation_degrees"], facts["declared_secs"]
    wrong_secs = abs(declared - facts["secs"]) if declared is not None else 0.0
    odd = [
        (
            len(languages) > 1,
            f"{len(languages)} sound streams ({told}), number {facts['audio_stream']} is taken",
        ),
        (
            facts["video_streams"] > 1,
            f"{facts['video_streams']} picture streams, number {facts['video_stream']} is taken",
        ),
        (facts["parts"] > 1, f"joined of {facts['parts']} parts"),
        (bool(turned), f"turned by {turned} degrees"),
        (facts["mirrored"], "mirrored"),
        (
            wrong_secs > max(_DECLARED_SECS, _DECLARED_SHARE * facts["secs"]),
            f"the header says {declared or 0:.2f} s, there are {facts['secs']:.2f} s",
        ),
        (rate is not None and rate < _LOWEST_RATE_HZ, f"sound of {rate} Hz"),
        (
            frames is not None and not _FRAME_RATES[0] <= frames <= _FRAME_RATES[1],
            f"{frames or 0:.3g} pictures a second",
        ),
    ]
    return [said for is_odd, said in odd if is_odd] + _apart(facts)


def _apart(facts: Facts) -> list[str]:
    """Streams that do not begin or end together."""
    begins, ends, odd = facts["begins_secs"], facts["ends_secs"], []
    if len(begins) < 2:
        return []
    late_secs = begins["audio"] - begins["video"]
    early_secs = ends["video"] - ends["audio"]
    if abs(late_secs) > _LATE_SECS:
        one, other = ("sound", "picture") if late_secs > 0 else ("picture", "sound")
        odd.append(f"the {one} begins {abs(late_secs):.2f} s after the {other}")
    if abs(early_secs) > _EARLY_SECS:
        one, other = ("sound", "picture") if early_secs > 0 else ("picture", "sound")
        odd.append(f"the {one} ends {abs(early_secs):.2f} s before the {other}")
    return odd
