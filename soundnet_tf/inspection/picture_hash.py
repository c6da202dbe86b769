"""64 bits of a picture that stay when it is coded anew, at another size or brightness.

The signs of the 64 lowest frequencies (of the DCT, without the mean) of a small grey picture. The
bits of two pictures of different things differ in 32 of 64 in the mean.
"""

import functools

import numpy as np

from soundnet_tf.inspection import near

# Where most coefficients are within what coding and rounding change, signs are chance: pictures of
# one colour, or of a gradient. In levels; each coefficient of noise of 1 level is 1.
_LEAST_MEDIAN = 3.0


def hashes(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of small grey pictures.

    Args:
        grey: float32 [frames, side, side] in [0, 255].

    Returns:
        uint64 [frames], and bool [frames]: whether the hash tells anything.
    """
    basis, rows, columns = _transform(grey.shape[-1])
    coefficients = (basis @ grey @ basis.T)[:, rows, columns]
    told = np.median(np.abs(coefficients), axis=1) >= _LEAST_MEDIAN
    return near.packed(coefficients > 0), told


@functools.cache
def _transform(side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The orthonormal DCT-II, float64 [side, side], and which of its coefficients are taken."""
    k, n = np.mgrid[:side, :side]
    basis = np.sqrt(2 / side) * np.cos(np.pi * (2 * n + 1) * k / (2 * side))
    basis[0] /= np.sqrt(2)
    by_frequency = sorted((u * u + v * v, u, v) for u in range(side) for v in range(side))
    _, rows, columns = np.array(by_frequency[1 : near.BITS + 1]).T
    return basis, rows, columns
