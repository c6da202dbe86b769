"""One clip, looked at and listened to: its figures, its hashes, a strip of its pictures.

This module runs in spawned worker processes and therefore never imports TensorFlow.
"""

import dataclasses
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.inspection import delay, picture_hash, pictures, sound, sound_hash
from soundnet_tf.inspection.near import popcount
from soundnet_tf.inspection.settings import HASH_EVERY, PICTURE_RATE

Row = dict[str, Any]

SHORT_SIDE = 96  # pixels of the pictures that are looked at
_LEAST_CHANGE = 4  # bits by which a picture's hash differs from the one kept before it
_STRIP_QUALITY = 70


@dataclass(frozen=True)
class Look:
    """What was found in a clip.

    row: its figures and hashes, as JSON has them.
    strip: three of its pictures side by side as JPEG, or None.
    sound: as MP3, of a clip whose film is not there to listen to.
    """

    row: Row
    strip: bytes | None = None
    sound: bytes | None = None


def look(
    waveform: np.ndarray,
    frames: Sequence[np.ndarray],
    frame_secs: np.ndarray,
    still_levels: float,
    silent_dbfs: float,
) -> Look:
    """What is in a clip.

    Args:
        waveform: float32 [samples] in [-1, 1], mono, at SAMPLE_RATE, one sample or more.
        frames: uint8 [height, width, 3] each, RGB.
        frame_secs: float32 [frames], rising, from the clip's start. Cuts and delays are looked for
            if they are PICTURE_RATE a second; of those every HASH_EVERY-th is compared.
        still_levels, silent_dbfs: as of `InspectConfig`.
    """
    grey = pictures.small_grey(frames)
    is_dense = len(frames) > 1 and np.median(np.diff(frame_secs)) < 1.5 / PICTURE_RATE
    chosen = slice(None, None, HASH_EVERY if is_dense else None)
    seen = grey[chosen]
    seen_hashes, tells = picture_hash.hashes(seen)
    kept = [i for i in _changed(seen_hashes) if tells[i]]
    heard_hashes, heard_secs = sound_hash.hashes(waveform)
    row = {
        "secs": len(waveform) / SAMPLE_RATE,
        "pictures": len(seen),
        "still_share": pictures.still_share(seen, still_levels),
        "plain_share": float((~tells).mean()) if len(seen) else None,
        **_of_dense(waveform, grey, frame_secs, is_dense),
        **dataclasses.asdict(sound.levels(waveform, silent_dbfs)),
        "picture_hashes": as_text(seen_hashes[kept]),
        "picture_secs": [round(float(secs), 3) for secs in frame_secs[chosen][kept]],
        "sound_hashes": as_text(heard_hashes),
        "sound_secs": [round(float(secs), 3) for secs in heard_secs],
    }
    strip = pictures.strip(frames)
    return Look(row, None if strip is None else _jpeg(strip))


def as_text(hashes: np.ndarray) -> str:
    """16 hexadecimal digits of each uint64."""
    return hashes.astype(">u8").tobytes().hex()


def from_text(text: str) -> np.ndarray:
    """uint64 [hashes] of what `as_text` gave."""
    return np.frombuffer(bytes.fromhex(text), ">u8").astype(np.uint64)


def _of_dense(
    waveform: np.ndarray, grey: np.ndarray, frame_secs: np.ndarray, is_dense: bool
) -> Row:
    if not is_dense:
        return {"cuts_per_min": None, "delay_secs": None, "delay_peak": None}
    first = round(float(frame_secs[0]) * SAMPLE_RATE)
    found = delay.sound_delay(waveform[first:], pictures.steps(grey))
    return {
        "cuts_per_min": len(pictures.cuts(grey)) * 60 * PICTURE_RATE / len(grey),
        "delay_secs": found and found.secs,
        "delay_peak": found and found.peak,
    }


def _changed(hashes: np.ndarray) -> list[int]:
    """The first, and each that is not nearly the one chosen before it."""
    chosen: list[int] = []
    for i, one in enumerate(hashes):
        if not chosen or popcount(one ^ hashes[[chosen[-1]]])[0] > _LEAST_CHANGE:
            chosen.append(i)
    return chosen


def _jpeg(picture: np.ndarray) -> bytes:
    encoded = io.BytesIO()
    Image.fromarray(picture).save(encoded, "JPEG", quality=_STRIP_QUALITY)
    return encoded.getvalue()
