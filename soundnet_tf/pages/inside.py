"""Sounds and pictures that stand inside a page, as data URIs."""

import base64
import io

import av
import numpy as np
from PIL import Image

from soundnet_tf import constants

_BITS_PER_SEC = 64_000


def data_uri(content: bytes, kind: str) -> str:
    """Bytes as an address; `kind` is a media type such as "audio/mpeg"."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def player_source(waveform: np.ndarray, sample_rate: int = constants.SAMPLE_RATE) -> str:
    """Sound for an <audio>: MP3 of 64 kbit/s, which every browser plays, 8 kB a second.

    Args:
        waveform: float32 [samples], mono, in [-1, 1]; what is beyond is clipped.
        sample_rate: Hz, one that MP3 has.
    """
    return data_uri(mp3(waveform, sample_rate), "audio/mpeg")


def mp3(waveform: np.ndarray, sample_rate: int = constants.SAMPLE_RATE) -> bytes:
    """The file that `player_source` has inside; empty sound becomes one sample of silence."""
    samples = np.clip(np.ravel(waveform), -1, 1).astype(np.float32)
    if not samples.size:
        samples = np.zeros(1, np.float32)
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=sample_rate, layout="mono")
        stream.format = "fltp"
        stream.bit_rate = _BITS_PER_SEC
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = sample_rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def picture_source(picture: np.ndarray, height: int | None = None, quality: int = 80) -> str:
    """A picture for an <img>: the file that `jpeg` makes."""
    return data_uri(jpeg(picture, height, quality), "image/jpeg")


def jpeg(picture: np.ndarray, height: int | None = None, quality: int = 80) -> bytes:
    """A picture as a JPEG file.

    Args:
        picture: uint8 [height, width, 3].
        height: pixels to scale it down to, its width in proportion; None, or more than it has,
            leaves it.
        quality: of the JPEG.
    """
    image = Image.fromarray(picture)
    if height is not None and height < image.height:
        width = max(1, round(image.width * height / image.height))
        image = image.resize((width, height), Image.Resampling.BOX)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()
