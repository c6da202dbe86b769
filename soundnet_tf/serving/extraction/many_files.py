"""Many files through a listener: threads decode ahead, those of like lengths are heard together.

What is heard together follows from the order of the files alone, so the same files give the same
numbers to the last bit.
"""

import collections
import concurrent.futures
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from soundnet_tf import constants
from soundnet_tf.media import stream_audio
from soundnet_tf.serving.listener import PIECE_SAMPLES, Heard, Listener
from soundnet_tf.serving.stream import Steps

GROUP_FILES = 64

_GROUP_SAMPLES = 32 * constants.CLIP_SAMPLES  # 56 MB that wait to be heard together
_LONGEST_SAMPLES = 2 * PIECE_SAMPLES  # what is longer is decoded while it is heard
_DECODERS = min(4, os.cpu_count() or 1)


class HeardFile(NamedTuple):
    """What was heard in one file; None where it cannot be read, and the reason in one line."""

    name: str
    heard: Heard | None
    reason: str = ""


class _Sound(NamedTuple):
    """A decoded file; of a long one the beginning, and the rest that is still to be decoded."""

    name: str
    path: str
    blocks: list[np.ndarray]
    rest: Iterator[np.ndarray] | None = None
    reason: str = ""


def hear_files(
    files: Mapping[str, str],
    listener: Listener,
    endpoint: str,
    channel: str,
    short: str,
    audio_stream: int | None = None,
    thin: Callable[[Steps], Steps] | None = None,
) -> Iterator[list[HeardFile]]:
    """Hears files of any lengths in a memory that grows neither with their number nor their length,
    but for what a long one gives.

    Args:
        files: names to paths.
        listener: hears them.
        endpoint: the one that is wanted.
        channel, audio_stream: as of `stream_audio`.
        short: as of `Listener.hear`.
        thin: as of `Listener.hear_pieces`, of long files; then they give no more than it keeps.

    Yields:
        The next files, in order, at most `GROUP_FILES` of them.

    Raises:
        ValueError: an unknown endpoint, channel or policy.
    """
    for group in _groups(_decoded(files, channel, audio_stream)):
        whole = [sound.blocks[0] for sound in group if not (sound.rest or sound.reason)]
        heard = iter(listener.hear(whole, [endpoint], short))
        results = []
        for sound in group:
            if sound.reason:
                results.append(HeardFile(sound.name, None, sound.reason))
            elif sound.rest:
                results.append(_hear_long(sound, listener, endpoint, thin))
            else:
                results.append(HeardFile(sound.name, next(heard)))
        yield results


def _hear_long(
    sound: _Sound, listener: Listener, endpoint: str, thin: Callable[[Steps], Steps] | None
) -> HeardFile:
    try:
        pieces = itertools.chain(sound.blocks, sound.rest)
        return HeardFile(sound.name, listener.hear_pieces(pieces, [endpoint], thin=thin))
    except (ValueError, OSError) as error:
        return HeardFile(sound.name, None, _reason(error, sound.name, sound.path))


def _decoded(files: Mapping[str, str], channel: str, audio_stream: int | None) -> Iterator[_Sound]:
    """Sounds in order, decoded by threads that are a few files ahead."""
    pool = concurrent.futures.ThreadPoolExecutor(_DECODERS)
    try:
        ahead = collections.deque()
        for name, path in files.items():
            ahead.append(pool.submit(_decode, name, path, channel, audio_stream))
            if len(ahead) > 2 * _DECODERS:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _decode(name: str, path: str, channel: str, audio_stream: int | None) -> _Sound:
    blocks, samples = [], 0
    pieces = stream_audio(path, channel, audio_stream=audio_stream)
    try:
        for piece in pieces:
            blocks.append(piece)
            samples += piece.size
            if samples > _LONGEST_SAMPLES:
                return _Sound(name, path, blocks, rest=pieces)
    except (ValueError, OSError) as error:
        return _Sound(name, path, [], reason=_reason(error, name, path))
    return _Sound(name, path, [np.concatenate(blocks)])


def _groups(sounds: Iterable[_Sound]) -> Iterator[list[_Sound]]:
    """Sounds that are heard together, in order; a long one ends its group."""
    group, samples = [], 0
    for sound in sounds:
        group.append(sound)
        samples += sum(block.size for block in sound.blocks)
        if sound.rest or samples >= _GROUP_SAMPLES or len(group) == GROUP_FILES:
            yield group
            group, samples = [], 0
    if group:
        yield group


def _reason(error: Exception, name: str, path: str) -> str:
    """One line, without the path of this machine."""
    text = str(error).removeprefix(f"{path}: ").replace(path, name)
    return " ".join(text.split()) or type(error).__name__
