"""A stretch of a file's sound as it is: all channels, at its own sample rate."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from soundnet_tf.media.container import MediaError
from soundnet_tf.media.native_sound import REACH_SECS, NativeSound, Window, native_sound
from soundnet_tf.media.track import open_track


class Channels(NamedTuple):
    """Sound of an open file.

    Attributes:
        sample_rate: in Hz.
        layout: FFmpeg's name of what channels there are ("stereo", "5.1").
        bits: of an integer sample of its decoder; None: floats, as lossy codecs give.
        blocks: float32 [samples, channels], one after the other; full scale is 1.
    """

    sample_rate: int
    layout: str
    bits: int | None
    blocks: Iterator[np.ndarray]


@contextmanager
def open_channels(
    path: str, start_secs: float, end_secs: float, audio_stream: int | None = None
) -> Iterator[Channels]:
    """The sound between two moments, on the clock of `read_audio`.

    Its samples are those from number round(start_secs * rate) to before round(end_secs * rate) of
    the file's, so that stretches that touch share none; fewer only when the sound ends before.

    Raises:
        FileNotFoundError, MediaError: as `read_audio`, also while blocks are read; and if channels
            come and go on the way.
        ValueError: `start_secs` below 0, or an end that is not after it.
    """
    with open_track(path, "audio", start_secs - REACH_SECS, audio_stream=audio_stream) as track:
        codec = track.stream.codec_context
        window = Window(start_secs, end_secs - start_secs, codec.sample_rate)
        sound = native_sound(track, window, None)
        begin, end = (round(secs * codec.sample_rate) for secs in (start_secs, end_secs))
        bits = {"u8": 8, "s16": 16, "s32": 32}.get(codec.format.name.removesuffix("p"))
        yield Channels(codec.sample_rate, codec.layout.name, bits, _between(sound, begin, end))


def _between(sound: NativeSound, begin: int, end: int) -> Iterator[np.ndarray]:
    """What of the blocks is from sample `begin` to before `end` of the file's."""
    position, width = sound.timeline.first, None
    for block in sound.blocks():
        inside = block[max(0, begin - position) : max(0, end - position)]
        position += len(block)
        if not len(inside):
            continue
        if width not in (None, inside.shape[1]):
            raise MediaError(
                f"{sound.track.path}: its sound changes from {width} to {inside.shape[1]} channels "
                "on the way; convert it to one number of channels"
            )
        width = inside.shape[1]
        yield inside
    if width is None:
        raise MediaError(f"{sound.track.path}: no sound at {begin / sound.timeline.rate:g} s")
