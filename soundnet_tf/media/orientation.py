"""How pictures lie that a camera stored turned or mirrored."""

import math
from dataclasses import dataclass

import av
import numpy as np
from av.sidedata.sidedata import Type


@dataclass(frozen=True)
class Orientation:
    """What brings a stored picture upright: first mirrored left to right, then turned.

    rotation_degrees: counter-clockwise, 0, 90, 180 or 270.
    """

    mirrored: bool = False
    rotation_degrees: int = 0

    def upright(self, picture: np.ndarray) -> np.ndarray:
        """The stored picture [height, width, ...] as it is to be seen, contiguous."""
        if self.mirrored:
            picture = picture[:, ::-1]
        return np.ascontiguousarray(np.rot90(picture, self.rotation_degrees // 90))

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of an upright picture that was stored with these."""
        return (height, width) if self.rotation_degrees % 180 else (width, height)


def orientation(frame: av.VideoFrame) -> Orientation:
    """By the frame's display matrix, to the nearest quarter turn; as it is without one."""
    data = frame.side_data.get(Type.DISPLAYMATRIX)
    if data is None:
        return Orientation()
    # Rows of three: x = a p + c q and y = b p + d q, of a stored pixel p from the left, q from the
    # top (ISO 14496-12, 8.3.2).
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].astype(float)
    mirrored = a * d - b * c < 0
    degrees = math.degrees(math.atan2(c, -a if mirrored else a))
    return Orientation(mirrored, round(degrees / 90) * 90 % 360)
