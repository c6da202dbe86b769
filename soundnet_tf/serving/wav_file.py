"""Sound as it was decoded, to WAV files."""

import av
import numpy as np

from soundnet_tf.files import atomic, storage
from soundnet_tf.media.channels import Channels

_ENCODERS = {8: "pcm_s16le", 16: "pcm_s16le", 32: "pcm_s32le", None: "pcm_f32le"}
_FORMATS = {"pcm_s16le": "s16", "pcm_s32le": "s32", "pcm_f32le": "flt"}


def write_wav(path: str, sound: Channels) -> None:
    """Writes a WAV of the same samples, atomically: 16-bit, of recordings that have more 32-bit,
    and of those that decode to floats floats."""
    encoder = _ENCODERS[sound.bits]
    form = _FORMATS[encoder]
    with atomic.new_file(path) as temporary, storage.open_file(temporary, "wb") as file:
        options = {"rf64": "auto"}  # beyond 4 GB
        with av.open(file, "w", format="wav", options=options) as container:
            stream = container.add_stream(encoder, rate=sound.sample_rate, layout=sound.layout)
            for block in sound.blocks:
                samples = _quantised(block, form).reshape(1, -1)
                frame = av.AudioFrame.from_ndarray(samples, format=form, layout=sound.layout)
                frame.sample_rate = sound.sample_rate
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))


def _quantised(block: np.ndarray, form: str) -> np.ndarray:
    if form == "flt":
        return block
    bits = 16 if form == "s16" else 32
    scaled = np.round(block.astype(np.float64) * 2 ** (bits - 1))
    return scaled.astype(np.int16 if bits == 16 else np.int32)
