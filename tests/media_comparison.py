"""Whether what is read of a file is what it should be: sound, stretches of it, frames on screen."""

from pathlib import Path

import numpy as np
from ffmpeg_reference import Reference
from media_writer import index_of

from soundnet_tf.media import probe, read_audio, read_clip

EXACT = 1e-4  # of full scale, the largest difference: 16 bits are 3e-5
LOSSY_DB = -40.0  # the difference's power, over the sound's


def largest(some: np.ndarray, other: np.ndarray) -> float:
    """The largest difference of two samples."""
    return float(np.abs(some - other).max())


def difference_db(some: np.ndarray, other: np.ndarray) -> float:
    """Power of the difference over that of `other`, or of -60 dB where that is silence."""
    power = np.sum(other**2) + 1e-6 * len(other)
    return float(10 * np.log10(np.sum((some - other) ** 2) / power + 1e-20))


def assert_same_sound(
    got: np.ndarray,
    expected: np.ndarray,
    at: int = 0,
    slack: int = 0,
    exact: bool = False,
    bound: float | None = None,
) -> None:
    """`got` is `expected` from sample `at` on, give or take `slack` samples, while both last.

    The difference is at most `bound`: `exact` in full scales, by default EXACT, else in dB, by
    default LOSSY_DB.
    """
    measure, usual = (largest, EXACT) if exact else (difference_db, LOSSY_DB)
    bound = usual if bound is None else bound
    errors = {}
    for lag in range(-slack, slack + 1):
        here = got[max(0, -(at + lag)) :].astype(np.float64)
        there = expected[max(0, at + lag) :][: len(here)].astype(np.float64)
        errors[lag] = measure(here[: len(there)], there)
    lag = min(errors, key=errors.get)
    assert errors[lag] <= bound, f"{errors[lag]:.3g} at a lag of {lag}, {errors[0]:.3g} without"


def assert_same_windows(
    path: str,
    rate: int,
    windows: list[tuple[float, float]],
    slack: int = 0,
    exact: bool = False,
    bound: float | None = None,
) -> None:
    """Each window (start and duration in seconds) is the same stretch of the whole, as long."""
    whole = read_audio(path, sample_rate=rate)
    for start_secs, duration_secs in windows:
        window = read_audio(path, start_secs, duration_secs, sample_rate=rate)
        at = round(start_secs * rate)
        there = min(round(duration_secs * rate), len(whole) - at)
        assert abs(len(window) - there) <= slack, (
            f"at {start_secs} s: {len(window)} samples of {there}"
        )
        assert_same_sound(window, whole, at, slack, exact, bound)


def assert_same_pictures(
    path: str,
    reference: Reference,
    stretches: list[tuple[float, float]],
    every_secs: float = 0.31,
    slack_secs: float = 1e-4,
) -> None:
    """The counted pictures of each clip are those on screen at its wanted moments, as ffmpeg's.

    Before any has begun it is the first one, once, at the time when it does.
    """
    for start_secs, duration_secs in stretches:
        expected, shown_secs = [], []
        for secs in start_secs + np.arange(0.0, duration_secs, every_secs):
            index = reference.on_screen(secs)
            begin_secs = reference.picture_secs[index]
            if begin_secs >= start_secs + duration_secs:
                break
            if begin_secs <= secs or begin_secs not in shown_secs:
                expected.append(index)
                shown_secs.append(max(secs, begin_secs))
        height = reference.pictures[0].shape[0]
        clip = read_clip(path, start_secs, duration_secs, every_secs, short_side=height)
        got = [index_of(frame) for frame in clip.frames]
        shown = [index_of(reference.pictures[index]) for index in expected]
        assert got == shown, f"clip at {start_secs} s: {got}, on screen are {shown}"
        np.testing.assert_allclose(clip.frame_secs + start_secs, shown_secs, atol=slack_secs)
        for frame, index in zip(clip.frames, expected, strict=True):
            off = np.abs(frame.astype(int) - reference.pictures[index].astype(int)).mean()
            assert off < 6, f"picture {index} differs by {off:.1f} of 255"


def assert_same_streams(
    path: str | Path, reference: Reference, exact: bool = False, slack_secs: float = 0.0
) -> None:
    """Sound whole and in windows, and pictures if the reference has some, are the reference's.

    Sound and pictures may lie up to `slack_secs` elsewhere, by how the container rounds stamps.
    """
    path, rate = str(path), reference.rate
    slack = round(slack_secs * rate)
    waveform = read_audio(path, sample_rate=rate)
    sound_end = len(reference.waveform) / rate
    assert abs(len(waveform) / rate - sound_end) <= 0.03, f"{len(waveform) / rate} of {sound_end} s"
    assert_same_sound(waveform, reference.waveform, 0, slack, exact)
    windows = [(0.21, 1.0), (2.337, 1.5), (3.9003, 1.2), (round(sound_end, 4) - 0.7, 2.0)]
    windows = [window for window in windows if window[0] < sound_end - 0.6]
    assert_same_windows(path, rate, windows, slack, exact)
    if reference.pictures:  # a clip has to have sound
        late = min(reference.picture_secs[-1] - 0.96, sound_end - 0.6)
        clips = [(0.0, 1.5), (1.234, 3.0), (late, 0.9)]
        assert_same_pictures(path, reference, clips, slack_secs=1e-4 + slack_secs)


def assert_same_film(
    path: str | Path, reference: Reference, exact: bool = False, slack_secs: float = 0.0
) -> None:
    """As `assert_same_streams`, and `probe` says where the later of both ends, to two frames."""
    assert_same_streams(path, reference, exact, slack_secs)
    end_secs = max(len(reference.waveform) / reference.rate, reference.picture_secs[-1] + 0.04)
    duration_secs = probe(str(path)).duration_secs
    assert abs(duration_secs - end_secs) <= 0.08, f"probe says {duration_secs} of {end_secs} s"
