"""The checksum of TFRecord files (CRC-32C, RFC 3720 appendix B.4, masked), for records that
TensorFlow does not read itself. NumPy takes a clip of a megabyte in some 15 ms, lanes side by side.
"""

import functools

import numpy as np

_POLYNOMIAL = 0x82F63B78  # 0x1EDC6F41, its bits reversed
_MASK_DELTA = 0xA282EAD8  # by which TFRecord files tell a checksum from data
_LANE_BYTES = 1024


def masked_crc32c(content: bytes) -> int:
    """As it stands behind a record's length, and behind the record."""
    crc = crc32c(content)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def crc32c(content: bytes) -> int:
    """Of all bytes. Lanes of equal length begin with a register of 0, for which zeros in front do
    not count; what the register should begin with is put into the first four bytes instead."""
    if len(content) < 4:
        return _of_few(content)
    lanes = -(-len(content) // _LANE_BYTES)
    lanes = 1 << (lanes - 1).bit_length()
    padded = np.zeros(lanes * _LANE_BYTES, np.uint8)
    padded[-len(content) :] = np.frombuffer(content, np.uint8)
    padded[len(padded) - len(content) :][:4] ^= 0xFF
    register, table = np.zeros(lanes, np.uint32), _table()
    for column in np.ascontiguousarray(padded.reshape(lanes, _LANE_BYTES).T):
        register = table[(register ^ column) & 0xFF] ^ register >> 8
    later = _after_a_lane()
    while len(register) > 1:
        register = _apply(later, register[0::2]) ^ register[1::2]
        later = _apply(later, later)
    return int(register[0]) ^ 0xFFFFFFFF


def _of_few(content: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in content:
        register = int(_table()[(register ^ byte) & 0xFF]) ^ register >> 8
    return register ^ 0xFFFFFFFF


@functools.cache
def _table() -> np.ndarray:
    """What a byte makes of a register of 0: uint32 [256]."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table


@functools.cache
def _after_a_lane() -> np.ndarray:
    """What becomes of each bit of a register behind so many zeros as a lane has bytes: uint32
    [32]. It is linear, so that doubling them is to apply it to itself."""
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
    matrix = _table()[bits & 0xFF] ^ bits >> 8
    for _ in range(_LANE_BYTES.bit_length() - 1):
        matrix = _apply(matrix, matrix)
    return matrix


def _apply(matrix: np.ndarray, registers: np.ndarray) -> np.ndarray:
    """Registers uint32 [n] through a linear map (uint32 [32], the images of single bits)."""
    images = np.zeros_like(registers)
    for bit in range(32):
        images ^= np.where(registers >> np.uint32(bit) & 1, matrix[bit], np.uint32(0))
    return images
