"""Real frames of the shared videos, for tests of networks that look at pictures."""

from pathlib import Path

import av
import numpy as np

IMAGENET_DOGS = range(151, 269)  # Chihuahua to Mexican hairless


def centre_square(video: Path, at_secs: float) -> np.ndarray:
    """The first frame at or after a moment: the centre square, uint8 RGB [side, side, 3]."""
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            if frame.time >= at_secs:
                picture = frame.to_ndarray(format="rgb24")
                side = min(picture.shape[:2])
                top, left = ((length - side) // 2 for length in picture.shape[:2])
                return picture[top : top + side, left : left + side]
    raise ValueError(f"{video} ends before {at_secs} s")
