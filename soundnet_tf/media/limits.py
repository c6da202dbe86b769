"""How much a file may claim: headers are written by anyone, and some of a few bytes would cost all
memory, or days.

Each bound is far beyond what is recorded. FFmpeg refuses larger pictures before it makes room for
them; what else is refused here, before anything is decoded.
"""

import av

from soundnet_tf.media.container import MediaError

MOST_CHANNELS = 64
HIGHEST_RATE_HZ = 1_000_000  # sound is recorded at up to 768 000
LONGEST_HOURS = 1000  # six weeks without a pause
MOST_ASPECT = 64  # of the longer side to the shorter one; a wide screen has 2.4


def check_sound(path: str, codec: av.CodecContext) -> None:
    """MediaError if a sound stream has more channels or samples a second than anything has."""
    rate, channels = codec.sample_rate, codec.layout.nb_channels
    if rate > HIGHEST_RATE_HZ or channels > MOST_CHANNELS:
        raise MediaError(
            f"{path}: its header declares {channels} channels at {rate} Hz, more than the "
            f"{MOST_CHANNELS} at {HIGHEST_RATE_HZ} Hz that are read; it is damaged or a trap, "
            "convert it or leave it out"
        )


def check_length(path: str, secs: float) -> None:
    """MediaError if a file's time stamps make it last longer than anybody records."""
    if secs > LONGEST_HOURS * 3600:
        raise MediaError(
            f"{path}: by its time stamps it lasts {secs / 3600:.0f} hours, more than the "
            f"{LONGEST_HOURS} that are read; they are broken, convert it anew or leave it out"
        )


def check_shape(path: str, width: float, height: float) -> None:
    """MediaError if pictures (of these sides as they are shown, in pixels) are but a line."""
    if max(width, height) > MOST_ASPECT * min(width, height):
        raise MediaError(
            f"{path}: its pictures are {width:.0f} x {height:.0f} pixels as its header has them "
            f"shown, one side over {MOST_ASPECT} times the other; convert it or leave it out"
        )
