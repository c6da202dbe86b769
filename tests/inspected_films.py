"""Films of which is known what is to be found: moving or still, copied, silent, clipped, late."""

from pathlib import Path

import media_writer
import numpy as np
from media_writer import Pictures, Sound

RATE = 22050
FPS = 25


def waves(seed: int, secs: float, width: int = 96, height: int = 64) -> np.ndarray:
    """Picture of a scene at a moment: six plane waves that move, uint8 [height, width, 3]."""
    draw = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    total = np.zeros((height, width))
    for _ in range(6):
        across, down, turns, phase = draw.uniform([-4, -4, -0.4, 0], [4, 4, 0.4, 1])
        total += np.cos(2 * np.pi * (across * x + down * y + turns * secs + phase))
    return np.repeat((127 + 20 * total).astype(np.uint8)[..., None], 3, axis=2)


def notes(seed: int, seconds: float, peak: float = 0.5, rate: int = RATE) -> np.ndarray:
    """float32 [samples]: four new tones every 0.3 s, in a little noise."""
    draw = np.random.default_rng(seed)
    secs = np.arange(round(seconds * rate)) / rate
    number = (secs / 0.3).astype(int)
    hz = draw.uniform(200, 3000, (number.max() + 1, 4))[number]
    size = draw.uniform(0.1, 1, (number.max() + 1, 4))[number]
    sound = (size * np.sin(2 * np.pi * hz * secs[:, None])).sum(axis=1)
    sound += draw.normal(0, 0.05, len(sound))
    return (peak * sound / np.abs(sound).max()).astype(np.float32)


def film(
    path: Path,
    picture_seed: int | None,
    sound: np.ndarray,
    seconds: float = 8.0,
    from_secs: float = 0.0,
    size: tuple[int, int] = (96, 64),
    rate: int = RATE,
    bit_rate: int | None = None,
    audio_bit_rate: int | None = None,
) -> Path:
    """Writes a film of a moving scene, or of one still picture (seed None), with a sound."""
    moments = np.arange(round(seconds * FPS)) / FPS
    shown = [
        waves(
            999 if picture_seed is None else picture_seed, 0 if picture_seed is None else m, *size
        )
        for m in from_secs + moments
    ]
    pictures = Pictures("libx264", shown, moments, FPS, bit_rate=bit_rate)
    return media_writer.write(path, pictures, Sound("aac", rate, sound, bit_rate=audio_bit_rate))


def events(seed: int, seconds: float, count: int) -> np.ndarray:
    """float64 [count]: moments of events, irregular, at least 0.2 s apart, none near the ends."""
    draw = np.random.default_rng(seed)
    room = np.linspace(0.5, seconds - 0.8, count)
    return room + draw.uniform(0, 0.6 * (room[1] - room[0]), count)


def clicks(moments: np.ndarray, seconds: float) -> np.ndarray:
    """float32 [samples] at RATE: bursts of noise of 20 ms at the moments."""
    draw = np.random.default_rng(5)
    sound = draw.normal(0, 1e-4, round(seconds * RATE))
    for secs in moments:
        burst = sound[round(secs * RATE) :][:441]
        burst += draw.normal(0, 0.2, len(burst))
    return np.clip(sound, -1, 1).astype(np.float32)
