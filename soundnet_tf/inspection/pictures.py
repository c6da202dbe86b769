"""How much the pictures of a clip move, and where they are cut; of small grey pictures."""

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

SIDE = 32  # pixels of the small pictures, whatever the film's aspect: copies have another size

# Of neighbouring pictures at CUT_RATE. A cut is a change of so many of 255 levels, which is so many
# times what is usual within half a second, and from which the picture does not come back at once.
CUT_RATE = 25
_CUT_LEVELS = 18.0
_CUT_OVER_USUAL = 4.0
_AROUND = 12
_FLASH = 3  # pictures; what is over after so many is a flash of light


def small_grey(frames: Iterable[np.ndarray]) -> np.ndarray:
    """float32 [frames, SIDE, SIDE] in [0, 255] of RGB frames, uint8 [height, width, 3]."""
    small = [
        Image.fromarray(frame).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
        for frame in frames
    ]
    return np.array([np.asarray(image) for image in small], np.float32).reshape(-1, SIDE, SIDE)


def steps(grey: np.ndarray) -> np.ndarray:
    """float32 [frames - 1]: the mean absolute difference from each picture to the next, in levels
    of 255."""
    return np.abs(np.diff(grey, axis=0)).mean(axis=(1, 2))


def still_share(grey: np.ndarray, still_levels: float) -> float | None:
    """The share of the steps in which pictures differ by less than `still_levels`; None of fewer
    than two pictures."""
    changes = steps(grey)
    return float((changes < still_levels).mean()) if len(changes) else None


def contrast(grey: np.ndarray) -> np.ndarray:
    """float32 [frames]: the standard deviation within each picture; 0 is one colour."""
    return grey.std(axis=(1, 2))


def cuts(grey: np.ndarray) -> np.ndarray:
    """int [cuts]: which pictures, CUT_RATE a second, are the first of a scene."""
    changes = steps(grey)
    found = []
    for i in np.flatnonzero(changes > _CUT_LEVELS):
        around = changes[max(0, i - _AROUND) : i + _AROUND + 1]
        before, after = grey[max(0, i - _FLASH)], grey[min(len(grey) - 1, i + 1 + _FLASH)]
        is_sudden = changes[i] > _CUT_OVER_USUAL * np.median(around)
        if is_sudden and np.abs(after - before).mean() > _CUT_LEVELS:
            found.append(i + 1)
    return np.array(found, int)


def strip(frames: Sequence[np.ndarray], count: int = 3) -> np.ndarray | None:
    """`count` of the frames side by side, uint8 [height, width, 3]; None without frames."""
    if not frames:
        return None
    at = np.linspace(0, len(frames) - 1, 2 * count + 1)[1::2].round().astype(int)
    return np.concatenate([frames[i] for i in at], axis=1)
