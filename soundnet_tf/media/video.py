"""A clip of a video file: its sound and a few of its frames, on one clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from soundnet_tf.constants import (
    CLIP_SECS,
    FRAME_EVERY_SECS,
    FRAME_SHORT_SIDE,
    MOST_PIXELS,
    SAMPLE_RATE,
)
from soundnet_tf.media.audio import read_window
from soundnet_tf.media.native_sound import Window, native_sound, open_sound
from soundnet_tf.media.pictures import Pictures, upright_rgb
from soundnet_tf.media.track import Track, open_track, open_tracks
from soundnet_tf.media.waveform import check_channel


@dataclass(frozen=True)
class Clip:
    """A stretch of a video; times count from its start, in seconds.

    waveform: float32 [samples] in [-1, 1], mono, at `constants.SAMPLE_RATE`.
    frames: each uint8 [height, width, 3], RGB, upright, square pixels, short side as asked for.
    frame_secs: float32 [len(frames)], rising, moments at which the frames are on screen.
    is_cancelled: whether it is silent since its channels cancel out in their mean.
    """

    waveform: np.ndarray
    frames: tuple[np.ndarray, ...]
    frame_secs: np.ndarray
    is_cancelled: bool = False


class Film:
    """An open video file, whose clips are read in rising order; `read_clip` tells the rest."""

    def __init__(
        self,
        pictures: Track,
        sound_from_0: Track | None = None,
        audio_stream: int | None = None,
    ):
        self._path = pictures.path
        self._audio_stream = audio_stream
        self._aspect = float(pictures.stream.sample_aspect_ratio or 1)
        self._pictures = Pictures(pictures)
        self._sound_from_0 = sound_from_0

    def clip(
        self,
        start_secs: float,
        duration_secs: float = CLIP_SECS,
        frame_every_secs: float = FRAME_EVERY_SECS,
        short_side: int = FRAME_SHORT_SIDE,
        channel: str = "mean",
    ) -> Clip:
        """The clip that `read_clip` gives; it begins no earlier than any frame wanted so far."""
        if not frame_every_secs > 0:
            raise ValueError(f"frame_every_secs is {frame_every_secs}; it must be above 0")
        if short_side < 1:
            raise ValueError(f"short_side is {short_side}; it must be 1 pixel or more")
        waveform, is_cancelled = self._sound(start_secs, duration_secs, channel)
        wanted_secs = start_secs + np.arange(0.0, duration_secs, frame_every_secs)
        found = self._pictures.shown_frames(wanted_secs, start_secs + duration_secs)
        frames = tuple(
            upright_rgb(self._path, frame, self._aspect, short_side) for _, frame in found
        )
        frame_secs = np.array([secs - start_secs for secs, _ in found], np.float32)
        return Clip(waveform, frames, frame_secs, is_cancelled)

    def _sound(
        self, start_secs: float, duration_secs: float, channel: str
    ) -> tuple[np.ndarray, bool]:
        """As `read_audio`. Each clip is decoded anew: so it does not depend on those before it."""
        check_channel(channel)
        window = Window(start_secs, duration_secs, SAMPLE_RATE)
        track, self._sound_from_0 = self._sound_from_0, None
        if track is None or start_secs > 0:
            with open_sound(self._path, window, channel, self._audio_stream) as sound:
                return read_window(sound, window), sound.timeline.is_cancelled
        sound = native_sound(track, window, channel, self._audio_stream)
        waveform = read_window(sound, window)
        track.packets.close()  # from here on the pass is the pictures' alone
        return waveform, sound.timeline.is_cancelled


@contextmanager
def open_film(
    path: str,
    from_secs: float = 0.0,
    audio_stream: int | None = None,
    video_stream: int | None = None,
    most_pixels: int = MOST_PIXELS,
) -> Iterator[Film]:
    """A video file of which clips from `from_secs` on will be read, the pictures in one pass.

    A clip at 0 needs no seek: its sound is read in the same pass. The streams are as in
    `read_clip`; pictures of more than `most_pixels` are not decoded.

    Raises:
        FileNotFoundError: no such file.
        MediaError: no sound or picture stream, or any FFmpeg error inside the block.
    """
    numbers = {"audio_stream": audio_stream, "video_stream": video_stream}
    options = numbers | {"most_pixels": most_pixels}
    if from_secs > 0:
        with open_track(path, "video", from_secs, **options) as pictures:
            yield Film(pictures, audio_stream=audio_stream)
    else:
        with open_tracks(path, "audio", "video", **options) as (sound, pictures):
            yield Film(pictures, sound, audio_stream)


def read_clip(
    path: str,
    start_secs: float = 0.0,
    duration_secs: float = CLIP_SECS,
    frame_every_secs: float = FRAME_EVERY_SECS,
    short_side: int = FRAME_SHORT_SIDE,
    channel: str = "mean",
    audio_stream: int | None = None,
    video_stream: int | None = None,
) -> Clip:
    """The sound of a stretch of video, and the frame that is on screen at each step of it.

    A frame is wanted at `start_secs` and every `frame_every_secs` from there, while the clip and
    the pictures last. It is the last one that began at or before that moment, however long it has
    been there (a slide may stay for minutes); its time is the moment wanted. Before any frame has
    begun it is the first one, if that begins before the clip's end; its time is when it does, and
    it is given once. The film's last frame stays as long as its packet says, or as long as the one
    before it; so a clip has no frames where the pictures end early, or start late.

    Args:
        path: local, or remote ("://", see `files.storage`).
        start_secs: 0 or more, from the earliest moment of any stream of the file.
        duration_secs: above 0; the waveform ends before that where the sound does.
        frame_every_secs: above 0.
        short_side: pixels of the frames' shorter side; the other keeps the aspect.
        channel: as in `read_audio`.
        audio_stream: number of the sound stream, from 0, as `probe` shows them; None takes the one
            that the file is about.
        video_stream: likewise of the picture stream.

    Raises:
        FileNotFoundError: no such file.
        MediaError: no picture stream, none of it can be decoded, or what `read_audio` raises.
        ValueError: an argument out of its range.
    """
    with open_film(path, start_secs, audio_stream, video_stream) as film:
        return film.clip(start_secs, duration_secs, frame_every_secs, short_side, channel)
