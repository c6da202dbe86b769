"""What a media file holds, and how it is opened.

Time 0 of a file is the earliest moment of any of its streams: an MPEG-TS file that starts at 1.4 s
and an MP4 that starts at 0 read alike. What lies before 0 (encoder delay of AAC and Opus) is never
presented, so a negative start counts as 0.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

import av

from soundnet_tf.files import storage

STREAM_NAMES = {"audio": "sound", "video": "picture"}

# Streams without a header: FFmpeg guesses their duration from the bit rate of the beginning.
_RAW_FORMATS = frozenset({"aac", "ac3", "amr", "dts", "eac3", "loas", "mp3", "truehd"})

# What decoding raises of a damaged packet, or of one in whose middle a recording began. Players
# skip it and go on; so do we, and judge by what is left.
UNDECODABLE = av.error.FFmpegError


class MediaError(ValueError):
    """A file that cannot be read as asked; names the path, what was found and the remedy."""


@dataclass(frozen=True)
class MediaInfo:
    """What a file holds; the fields of a stream that it does not have are None.

    `width` and `height` are stored pixels, before the counter-clockwise turn by
    `rotation_degrees` (0, 90, 180 or 270) that brings the picture upright.
    """

    duration_secs: float
    container: str
    sample_rate: int | None
    channels: int | None
    audio_codec: str | None
    width: int | None
    height: int | None
    frame_rate: float | None
    video_codec: str | None
    rotation_degrees: int


def probe(path: str) -> MediaInfo:
    """What the file at `path` holds, by its header and its first picture.

    A duration that the header does not give (some WebM, raw AAC and MP3) is found by reading
    through all packets without decoding them.

    Raises:
        FileNotFoundError: no such file.
        MediaError: not a media file, one without sound and picture, or no picture can be decoded.
    """
    with open_container(path) as container:
        sound, picture = (find_stream(path, container, kind) for kind in STREAM_NAMES)
        if sound is None and picture is None:
            raise MediaError(
                f"{path}: has neither sound nor picture (found {container.format.long_name}); "
                "give a sound or video file"
            )
        sound_codec, picture_codec = (s and s.codec_context for s in (sound, picture))
        frame_rate = picture and (picture.average_rate or picture.guessed_rate)
        first_frame = picture and _first_frame(path, picture)
        duration_secs = declared_duration_secs(container)
        return MediaInfo(
            duration_secs=scan_end_secs(path) if duration_secs is None else duration_secs,
            container=container.format.name,
            sample_rate=sound_codec and sound_codec.sample_rate,
            channels=sound_codec and sound_codec.layout.nb_channels,
            audio_codec=sound_codec and sound_codec.codec.canonical_name,
            width=first_frame and first_frame.width,
            height=first_frame and first_frame.height,
            frame_rate=frame_rate and float(frame_rate),
            video_codec=picture_codec and picture_codec.codec.canonical_name,
            rotation_degrees=rotation_degrees(first_frame) if first_frame else 0,
        )


@contextmanager
def open_container(path: str) -> Iterator[av.container.InputContainer]:
    """The file opened by FFmpeg; every FFmpeg error inside the block becomes a MediaError.

    Raises:
        FileNotFoundError: no such file.
        MediaError: a folder, an empty file, or any FFmpeg error.
    """
    path = os.fsdecode(path)
    with open_file(path) as file:
        # FFmpeg reads a local file faster by its name; with the prefix no name such as
        # "concat:a|b" is taken for a protocol.
        source = file if storage.is_remote(path) else f"file:{path}"
        try:
            with av.open(source, metadata_errors="replace") as container:
                yield container
        except av.error.FFmpegError as error:
            raise MediaError(
                f"{path}: FFmpeg cannot read it ({error.strerror}); it is damaged or not a media "
                "file, fetch it again or leave it out"
            ) from error


@contextmanager
def open_file(path: str) -> Iterator[BinaryIO]:
    """The bytes of a local or remote file; errors as in `open_container`."""
    path = os.fsdecode(path)
    if not storage.exists(path):
        raise FileNotFoundError(f"no such media file: {path}")
    if storage.is_folder(path):
        raise MediaError(f"{path}: is a folder; give one file")
    with storage.open_file(path, "rb") as file:
        if not file.read(1):
            raise MediaError(f"{path}: is empty (0 bytes); fetch it again or leave it out")
        file.seek(0)
        yield file


def find_stream(
    path: str, container: av.container.InputContainer, kind: str
) -> av.stream.Stream | None:
    """The first "audio" or "video" stream, if any; MediaError if it cannot be decoded."""
    cover = av.stream.Disposition.attached_pic  # the picture on a song's sleeve
    streams = (s for s in container.streams if s.type == kind and not s.disposition & cover)
    stream = next(streams, None)
    if stream is not None:
        codec = stream.codec_context
        if codec is None:
            raise MediaError(f"{path}: no decoder for its {STREAM_NAMES[kind]}; convert it")
        if kind == "audio" and not codec.sample_rate:
            raise MediaError(
                f"{path}: its sound stream is {codec.name} with no sound near the beginning; it "
                "is damaged or not a media file, fetch it again or leave it out"
            )
    return stream


def demux(*streams: av.stream.Stream) -> Iterator[av.Packet]:
    """The packets of the streams up to where the file ends or is cut off, flushing ones last."""
    try:
        yield from streams[0].container.demux(*streams)
    except (av.error.InvalidDataError, av.error.EOFError):
        return  # cut off: whoever reads sees that the stream ends before its declared end
    except IndexError:
        return  # PyAV 18 stumbles over streams that turned up on the way, when all has been read


def origin_secs(container: av.container.InputContainer) -> float:
    """Time 0 of the file on the container's own clock."""
    return float(Fraction(max(container.start_time or 0, 0), av.time_base))


def declared_duration_secs(container: av.container.InputContainer) -> float | None:
    """The end of the longest stream by the header, from time 0; None if it does not say."""
    # An MP3 with LAME's header tells its length, and begins after the encoder's delay.
    guessed = container.format.name in _RAW_FORMATS and not container.start_time
    if guessed or not container.duration:
        return None
    end = Fraction((container.start_time or 0) + container.duration, av.time_base)
    return float(end) - origin_secs(container)


def scan_end_secs(path: str) -> float:
    """Where the last packet of sound or picture ends, found by reading through the file."""
    end_secs = 0.0
    with open_container(path) as container:
        origin = origin_secs(container)
        streams = [find_stream(path, container, kind) for kind in STREAM_NAMES]
        for packet in demux(*filter(None, streams)):
            if packet.pts is not None:
                end = (packet.pts + (packet.duration or 0)) * packet.time_base
                end_secs = max(end_secs, float(end) - origin)
    return end_secs


def rotation_degrees(frame: av.VideoFrame) -> int:
    """Counter-clockwise turn that brings the frame upright: 0, 90, 180 or 270."""
    return round(frame.rotation / 90) * 90 % 360


def _first_frame(path: str, stream: av.stream.Stream) -> av.VideoFrame:
    for packet in demux(stream):
        try:
            frames = packet.decode()
        except UNDECODABLE:
            continue
        if frames:
            return frames[0]
    raise MediaError(f"{path}: none of its pictures can be decoded; fetch it again or leave it out")
