"""A sound track's packets to arrays, as its decoder gives them."""

from collections.abc import Iterator

import av
import numpy as np
from av.audio.plane import AudioPlane

from soundnet_tf.media.container import UNDECODABLE
from soundnet_tf.media.track import Track

_SAMPLE_DTYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}


def decoded_packets(track: Track, from_secs: float) -> Iterator[list[av.AudioFrame] | None]:
    """Frames of each packet from `from_secs` on; None for a packet that cannot be decoded."""
    packets = track.packets if track.is_unending else _packets_from(track, from_secs)
    for packet in packets:
        try:
            frames = packet.decode()
        except UNDECODABLE:
            frames = None
        yield frames


def columns_of(frame: av.AudioFrame) -> np.ndarray:
    """[samples, channels] in the codec's sample format.

    Not `frame.to_ndarray()`: PyAV 18 counts planes up to a null pointer, which frames of 8 and more
    planes do not have, and crashes.
    """
    dtype = _SAMPLE_DTYPES[frame.format.name.removesuffix("p")]
    channels = frame.layout.nb_channels
    if not frame.format.is_planar:
        samples = np.frombuffer(AudioPlane(frame, 0), dtype, frame.samples * channels)
        return samples.reshape(-1, channels)
    columns = np.empty([frame.samples, channels], dtype)
    for index in range(channels):
        columns[:, index] = np.frombuffer(AudioPlane(frame, index), dtype, frame.samples)
    return columns


def _packets_from(track: Track, from_secs: float) -> Iterator[av.Packet]:
    """From the last packet on that begins at or before `from_secs`: it may last a second."""
    before: list[av.Packet] = []
    for packet in track.packets:
        if packet.pts is None or track.secs(packet.pts) > from_secs:
            yield from before
            yield packet
            break
        before = [packet]
    yield from track.packets
