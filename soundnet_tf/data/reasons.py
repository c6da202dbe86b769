"""Why a video, or a stretch of it, gives no clip: in one line, and in a few words to count by."""

from soundnet_tf.data.settings import SHORTEST_VIDEO_SECS
from soundnet_tf.data.workers import CRASHED, OUT_OF_MEMORY, TIMED_OUT

SILENT = "silent"
CANCELLED = "silent, since its channels cancel out (see --channel=loudest)"
NO_FRAME = "no frame"
NO_SOUND, NO_PICTURES = "no sound", "no pictures"
TOO_SHORT, UNREADABLE = "too short", "cannot be read"
BEYOND = "beyond the end"
TOO_LONG, TOO_MUCH = "takes too long", "needs too much memory"


def too_short(secs: float) -> str:
    """Why so much sound gives no clip."""
    return f"{secs:.2f} s of sound is {TOO_SHORT}, at least {SHORTEST_VIDEO_SECS:g} s is needed"


def reason(error: Exception, path: str, video_id: str) -> str:
    """One line, without the path of this machine."""
    text = str(error).removeprefix(f"{path}: ").replace(path, video_id)
    return " ".join(text.split())


def kind_of_reason(text: str) -> str:
    """One of a few words for why a video gave no clip, to count by; of several reasons the first.

    Args:
        text: as the manifest has it.
    """
    first = text.split("; ")[0]
    if first in (SILENT, CANCELLED, NO_FRAME, CRASHED, NO_SOUND, NO_PICTURES):
        return first.split(" (")[0]
    for kind in (BEYOND, f"{NO_SOUND} from"):
        if first.startswith(kind):
            return kind.removesuffix(" from")
    for kind, text in ((TOO_LONG, TIMED_OUT), (TOO_MUCH, OUT_OF_MEMORY)):
        if first.startswith(text.split("{")[0]):
            return kind
    return TOO_SHORT if f"of sound is {TOO_SHORT}" in first else UNREADABLE
