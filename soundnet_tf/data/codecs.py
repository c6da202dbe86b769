"""How a clip's sound is kept in a record: 16-bit PCM, or compressed.

`pcm16` is the default: nothing is faster to read. `flac` keeps the very same samples in fewer
bytes, `vorbis` hears nearly the same in few. This module encodes, in worker processes, and
therefore never imports TensorFlow; `audio_ops` decodes.
"""

import io

import av
import numpy as np

from soundnet_tf.constants import PCM16_SCALE, SAMPLE_RATE
from soundnet_tf.data.settings import CODECS, FLAC, PCM16, VORBIS


def encode_sound(waveform: np.ndarray, codec: str) -> bytes:
    """The waveform as the bytes that a record keeps; equal waveforms give equal bytes.

    Args:
        waveform: float32 [samples] in [-1, 1], mono, at SAMPLE_RATE.
        codec: one of CODECS.

    Raises:
        ValueError: another codec, or soundfile is not installed, which vorbis needs.
    """
    if codec not in CODECS:
        raise ValueError(f"audio codec is {codec!r}; it must be one of {CODECS}")
    return {PCM16: pcm16, FLAC: flac, VORBIS: vorbis}[codec](waveform)


def pcm16(waveform: np.ndarray) -> bytes:
    """Waveform (float [samples] in [-1, 1]) as little-endian int16; +1 clips to 32767."""
    scaled = np.round(waveform * PCM16_SCALE)
    return np.clip(scaled, -PCM16_SCALE, PCM16_SCALE - 1).astype("<i2").tobytes()


def flac(waveform: np.ndarray) -> bytes:
    """The samples of `pcm16` as a FLAC file."""
    encoded = io.BytesIO()
    with av.open(encoded, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE, layout="mono")
        samples = np.frombuffer(pcm16(waveform), "<i2")
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, 0
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return encoded.getvalue()


def vorbis(waveform: np.ndarray) -> bytes:
    """The waveform as an Ogg Vorbis file of libsndfile's default quality (some 50 kbit/s)."""
    try:
        import soundfile  # PyAV's wheels have no Vorbis encoder for mono
    except ImportError as error:
        raise ValueError("audio codec vorbis needs soundfile: pip install soundfile") from error
    encoded = io.BytesIO()
    with soundfile.SoundFile(encoded, "w", SAMPLE_RATE, 1, "VORBIS", format="OGG") as file:
        for begin in range(0, len(waveform), SAMPLE_RATE):  # a long write crashes libsndfile
            file.write(waveform[begin : begin + SAMPLE_RATE])
    return _with_serial_0(encoded.getvalue())


def _with_serial_0(ogg: bytes) -> bytes:
    """The same Ogg pages under the serial number 0, since libsndfile draws one at random.

    A page's header (RFC 3533, section 6) has the serial number at bytes 14 to 17, the page's CRC at
    22 to 25, the count of segments at 26, and the length of each segment from there on. (FFmpeg
    would do this too, but writes positions of 2^32 and more into the last page of some.)
    """
    pages = []
    while ogg:
        body = 27 + ogg[26]
        end = body + sum(ogg[27:body])
        header = ogg[:14] + bytes(4) + ogg[18:22]
        crc = _ogg_crc(header + bytes(4) + ogg[26:end])
        pages.append(header + crc.to_bytes(4, "little") + ogg[26:end])
        ogg = ogg[end:]
    return b"".join(pages)


def _ogg_crc(page: bytes) -> int:
    crc = 0
    for byte in page:
        crc = (crc << 8 & 0xFFFFFFFF) ^ _OGG_CRCS[crc >> 24 ^ byte]
    return crc


def _crc_of_byte(byte: int) -> int:
    crc = byte << 24
    for _ in range(8):
        crc = (crc << 1 & 0xFFFFFFFF) ^ (0x04C11DB7 if crc >> 31 else 0)
    return crc


_OGG_CRCS = tuple(map(_crc_of_byte, range(256)))
