"""How a media file is opened, and its packets are read."""

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import BinaryIO

import av

from soundnet_tf.constants import MOST_PIXELS
from soundnet_tf.files import storage, tars, windows
from soundnet_tf.media.payload import without_payload

# Streams without header and stamps: FFmpeg counts packets, and guesses the duration from the bit
# rate of the beginning.
RAW_FORMATS = frozenset({"aac", "ac3", "amr", "dts", "eac3", "loas", "mp3", "sbc", "truehd"})

# What decoding raises of a damaged packet, or of one in whose middle a recording began. Players
# skip it and go on; so do we, and judge by what is left.
UNDECODABLE = av.error.FFmpegError


# Formats that are read from other files or from a network, which whoever made the file names: with
# one, a video could be made of whatever can be read here.
LEADING_ELSEWHERE = frozenset(
    "concat dash hls image2 imf rtp rtsp sap sdp vobsub webm_dash_manifest".split()
)

_NO_TAR = "is a tar; give one of its members, such as FILE.tar/KEY.mp4, where lists are read"


class MediaError(ValueError):
    """A file that cannot be read as asked; names the path, what was found and the remedy."""


@contextmanager
def open_container(
    path: str, index_alone: bool = False, most_pixels: int = MOST_PIXELS
) -> Iterator[av.container.InputContainer]:
    """The file opened by FFmpeg; every FFmpeg error inside the block becomes a MediaError.

    Args:
        path: local or remote.
        index_alone: of a remote file, whether zeros will do for what packets hold, where its format
            lets them be left out, see `payload`.
        most_pixels: of a picture; FFmpeg takes larger ones for damaged, and no memory for them.

    Raises:
        FileNotFoundError: no such file.
        MediaError: a folder, an empty file, one of LEADING_ELSEWHERE, or any FFmpeg error.
    """
    path = os.fsdecode(path)
    with open_file(path) as file:
        # FFmpeg reads a local file faster by its name; with the prefix no name such as
        # "concat:a|b" is taken for a protocol.
        source = file if storage.is_remote(path) or windows.member(path) else f"file:{path}"
        if index_alone and storage.is_remote(path):
            source = without_payload(file) or file
        try:
            # Looking for streams decodes pictures too, with decoders of its own.
            limit = {"max_pixels": str(most_pixels)}
            options = {**limit, "format_whitelist": _formats()}
            with av.open(source, metadata_errors="replace", options=options) as container:
                for stream in container.streams.video:
                    if stream.codec_context:
                        stream.codec_context.options = limit
                yield container
        except av.error.FFmpegError as error:
            is_list = isinstance(error, av.error.ArgumentError)  # what FFmpeg says of them
            perhaps = ", or a playlist, which leads to other files" if is_list else ""
            raise MediaError(
                f"{path}: FFmpeg cannot read it ({error.strerror}); it is damaged or not a media "
                f"file{perhaps}, fetch it again or leave it out"
            ) from error


@functools.cache
def _formats() -> str:
    """Those that a file may have, for FFmpeg."""
    return ",".join(sorted(av.formats_available - LEADING_ELSEWHERE))


@contextmanager
def open_file(path: str) -> Iterator[BinaryIO]:
    """The bytes of a local or remote file; errors as in `open_container`."""
    path = os.fsdecode(path)
    if tars.is_tar(path):
        raise MediaError(f"{path}: {tars.contents(path).problem or _NO_TAR}")
    if not storage.is_remote(path) and not windows.member(path):
        _check_local(path)
    try:
        opened = storage.open_file(path, "rb")
    except FileNotFoundError as error:
        if storage.is_folder(path):
            raise MediaError(f"{path}: is a folder; give one file") from error
        raise FileNotFoundError(f"no such media file: {path}") from error
    with opened as file:
        if not file.read(1):
            raise MediaError(f"{path}: is empty (0 bytes); fetch it again or leave it out")
        file.seek(0)
        yield file


def _check_local(path: str) -> None:
    if not os.path.exists(path):
        raise FileNotFoundError(f"no such media file: {path}")
    if os.path.isdir(path):
        raise MediaError(f"{path}: is a folder; give one file")
    if not os.path.isfile(path):
        raise MediaError(f"{path}: is no regular file, but a pipe or a device; give a file")


def demux(*streams: av.stream.Stream) -> Iterator[av.Packet]:
    """The packets of the streams up to where the file ends or is cut off, flushing ones last."""
    try:
        yield from streams[0].container.demux(*streams)
    except (av.error.InvalidDataError, av.error.EOFError):
        return  # cut off: whoever reads sees that the stream ends before its declared end
    except IndexError:
        return  # PyAV 18 stumbles over streams that turned up on the way, when all has been read


def declared_duration_secs(container: av.container.InputContainer) -> float | None:
    """The end of the longest stream by the header, from time 0; None if it does not say."""
    # An MP3 with LAME's header tells its length, and begins after the encoder's delay.
    guessed = container.format.name in RAW_FORMATS and not container.start_time
    if guessed or not container.duration:
        return None
    return float(Fraction(container.duration, av.time_base))
