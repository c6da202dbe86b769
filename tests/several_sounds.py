"""Recordings of which one of two sounds is to be heard, and the same with that sound alone: what
is written of the ones should be what is written of the others."""

import numpy as np
import odd_media
import soundfile
import tuned_network
from av.stream import Disposition
from media_writer import Sound, write

RATE = tuned_network.RATE
COUNT = 5  # recordings, the fewest that a report maps


def write_channels(both, alone):
    """Sounds of two channels in the folder `both`; in `alone` their first channels."""
    for folder in (both, alone):
        folder.mkdir(parents=True)
    for number in range(COUNT):
        left, right = _sounds(number)
        samples = np.int16(32000 * np.stack([left, right], axis=1))
        soundfile.write(both / f"{number}.wav", samples, RATE)
        soundfile.write(alone / f"{number}.wav", samples[:, 0], RATE)


def write_films(both, alone):
    """Films with a sound of two channels in the folder `both`; in `alone` with the first one."""
    for folder in (both, alone):
        folder.mkdir(parents=True)
    for number in range(COUNT):
        film = odd_media.coloured("libx264", odd_media.RED, 2.0)
        sounds = np.float32(np.stack(_sounds(number), axis=1))
        write(both / f"{number}.mkv", film, Sound("flac", RATE, sounds))
        write(alone / f"{number}.mkv", film, Sound("flac", RATE, sounds[:, 0]))


def write_streams(both, alone):
    """Films and sounds of two streams in the folder `both`, of which the second is the default; in
    `alone` with the first one only."""
    for folder in (both, alone):
        folder.mkdir(parents=True)
    for number in range(COUNT):
        first, second = map(np.float32, _sounds(number))
        film = [odd_media.coloured("libx264", odd_media.RED, 2.0)] if number % 2 else []
        wanted = Sound("flac", RATE, first)
        default = Sound("flac", RATE, second, flags=int(Disposition.default))
        write(both / f"{number}.mkv", *film, wanted, default)
        write(alone / f"{number}.mkv", *film, wanted)


def _sounds(number):
    """float64 [samples] each, of two seconds: 500 and 1500 Hz, of a loudness of their own."""
    loudness = [0.2 + 0.1 * number, 0.7 - 0.1 * number]
    return [tuned_network.sound_of([hz, hz], loudness) for hz in (500, 1500)]
