"""Which channel of a file is the loudest."""

import functools

import numpy as np

from soundnet_tf.files import storage
from soundnet_tf.media.decoded_sound import columns_of, decoded_packets
from soundnet_tf.media.track import open_track
from soundnet_tf.media.waveform import loudest_column

_KEPT = 64  # files


def loudest_channel(path: str, audio_stream: int | None = None) -> int:
    """Number of the channel with the most energy over the whole file; the first of equal ones.

    All of its sound is decoded for that. The last files are remembered.

    Raises:
        FileNotFoundError, MediaError: as of `open_track`.
    """
    key = storage.size(path), storage.modified_ns(path)
    return _loudest_channel(path, audio_stream, key)


@functools.lru_cache(maxsize=_KEPT)
def _loudest_channel(path: str, audio_stream: int | None, key: tuple) -> int:
    del key  # it is there for the cache
    energies = np.zeros(0)
    with open_track(path, "audio", audio_stream=audio_stream) as track:
        for frames in decoded_packets(track, 0.0):
            for frame in frames or ():
                _, of_frame = loudest_column(columns_of(frame))
                energies = np.pad(energies, (0, max(0, len(of_frame) - len(energies))))
                energies[: len(of_frame)] += of_frame
    return int(np.argmax(energies)) if energies.size else 0
