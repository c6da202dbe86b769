"""From media files to arrays: sound, pictures and what a file holds, all on the container's clock.

Nothing here imports TensorFlow, but for a remote path ("://"), see `files.storage`.
"""

from soundnet_tf.media.audio import read_audio, stream_audio
from soundnet_tf.media.container import MediaError
from soundnet_tf.media.info import MediaInfo, StreamInfo, has_sound, probe
from soundnet_tf.media.video import Clip, Film, open_film, read_clip
from soundnet_tf.media.waveform import CancelledWarning

__all__ = [
    "CancelledWarning",
    "Clip",
    "Film",
    "MediaError",
    "MediaInfo",
    "StreamInfo",
    "has_sound",
    "open_film",
    "probe",
    "read_audio",
    "read_clip",
    "stream_audio",
]
