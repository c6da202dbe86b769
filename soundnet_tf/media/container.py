"""Opens media files and puts the times of their streams on one clock.

Time 0 of a file is the earliest moment of any of its streams: an MPEG-TS file that starts at 1.4 s
and an MP4 that starts at 0 read alike. What lies before 0 (encoder delay of AAC and Opus) is never
presented, so a negative start counts as 0.
"""

import itertools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

import av

_NAMES = {"audio": "sound", "video": "picture"}

# What a packet raises that is damaged, or that a recording began in the middle of. Players skip it
# and go on; so do we, and judge by what is left.
UNDECODABLE = (av.error.InvalidDataError, av.error.EOFError)

# Streams without a header: FFmpeg guesses their duration from the bit rate of the beginning.
_RAW_FORMATS = frozenset({"aac", "ac3", "amr", "dts", "eac3", "loas", "mp3", "truehd"})
# Seeks land late (MPEG streams) or at a guessed place (raw streams).
_UNSEEKABLE_FORMATS = _RAW_FORMATS | {"mpeg", "mpegts"}


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


@dataclass(frozen=True)
class Track:
    """One stream of an open file and its packets in decoding order, the flushing one last."""

    path: str
    stream: av.stream.Stream
    packets: Iterator[av.Packet]
    origin_secs: float

    def secs(self, ticks: int) -> float:
        """Seconds since the file's time 0 of a time stamp in the stream's time base."""
        return float(ticks * self.stream.time_base) - self.origin_secs

    def declared_end_secs(self) -> float | None:
        """Where the header says that the stream ends; None if it does not say."""
        stream, container = self.stream, self.stream.container
        if container.format.name in _RAW_FORMATS or not container.duration:
            return None
        if stream.duration:
            return self.secs((stream.start_time or 0) + stream.duration)
        tag = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
        if tag:  # Matroska: the time of the stream's end
            hours, minutes, secs = tag.groups()
            return int(hours) * 3600 + int(minutes) * 60 + float(secs) - self.origin_secs
        # The longest stream's end says something about this one only if the file is cut off.
        end_secs = _declared_duration_secs(container)
        return end_secs if scan_end_secs(self.path) < end_secs / 2 else None


def probe(path: str) -> MediaInfo:
    """What the file at `path` holds, by its header and its first picture.

    A duration that the header does not give (some WebM, raw AAC and MP3) is found by reading
    through all packets without decoding them.

    Raises:
        FileNotFoundError: no such file.
        MediaError: not a media file, or one without sound and picture, or a picture that cannot
            be decoded.
    """
    with open_container(path) as container:
        sound, picture = (_find_stream(path, container, kind) for kind in _NAMES)
        if sound is None and picture is None:
            raise MediaError(
                f"{path}: has neither sound nor picture (found {container.format.long_name}); "
                "give a sound or video file"
            )
        declared = container.duration and container.format.name not in _RAW_FORMATS
        frame_rate = picture and (picture.average_rate or picture.guessed_rate)
        sound_codec, picture_codec = (s and s.codec_context for s in (sound, picture))
        return MediaInfo(
            duration_secs=_declared_duration_secs(container) if declared else scan_end_secs(path),
            container=container.format.name,
            sample_rate=sound_codec and sound_codec.sample_rate,
            channels=sound_codec and sound_codec.layout.nb_channels,
            audio_codec=sound_codec and sound_codec.codec.canonical_name,
            width=picture_codec and picture_codec.width,
            height=picture_codec and picture_codec.height,
            frame_rate=frame_rate and float(frame_rate),
            video_codec=picture_codec and picture_codec.codec.canonical_name,
            rotation_degrees=_first_rotation(path) if picture_codec else 0,
        )


@contextmanager
def open_source(path: str) -> Iterator:
    """What FFmpeg and libsndfile take: the path of a local file, or a remote file's object.

    Raises:
        FileNotFoundError: no such file.
        MediaError: a folder, or an empty file.
    """
    path = os.fspath(path)
    if "://" in path:
        from tensorflow.io import gfile  # only remote paths pay for TensorFlow

        _check_file(path, gfile.exists, gfile.isdir, lambda remote: gfile.stat(remote).length)
        with gfile.GFile(path, "rb") as file:
            yield file
    else:
        _check_file(path, os.path.exists, os.path.isdir, os.path.getsize)
        yield path


@contextmanager
def open_container(path: str) -> Iterator[av.container.InputContainer]:
    """The file opened by FFmpeg; every FFmpeg error inside the block becomes a MediaError."""
    with open_source(path) as source:
        # The prefix keeps a name such as "concat:a|b" from being taken for a protocol.
        source = f"file:{source}" if isinstance(source, str) else source
        try:
            with av.open(source, metadata_errors="replace") as container:
                yield container
        except av.error.FFmpegError as error:
            raise MediaError(
                f"{path}: FFmpeg cannot read it ({error.strerror}); it is damaged or not a media "
                "file, fetch it again or leave it out"
            ) from error


@contextmanager
def open_track(path: str, kind: str, from_secs: float = 0.0) -> Iterator[Track]:
    """The first "audio" or "video" stream, its packets from `from_secs` or earlier on.

    The first packet is a keyframe that comes no later than `from_secs`, or the first of the file.

    Raises:
        MediaError: no such stream, no decoder for it, or any FFmpeg error inside the block.
    """
    with open_container(path) as container:
        track = _track(path, container, kind)
        if from_secs > 0 and container.format.name not in _UNSEEKABLE_FORMATS:
            packets = _seek(track, from_secs)
        else:
            packets = track.packets
        if packets is not None:
            yield Track(path, track.stream, packets, track.origin_secs)
            return
    with open_container(path) as container:  # the seek landed late
        yield _track(path, container, kind)


def scan_end_secs(path: str) -> float:
    """Where the last packet of sound or picture ends, found by reading through the file."""
    end_secs = 0.0
    with open_container(path) as container:
        origin_secs = _origin_secs(container)
        streams = [_find_stream(path, container, kind) for kind in _NAMES]
        for packet in _packets(*filter(None, streams)):
            if packet.pts is not None:
                end = (packet.pts + (packet.duration or 0)) * packet.time_base
                end_secs = max(end_secs, float(end) - origin_secs)
    return end_secs


def rotation_degrees(frame: av.VideoFrame) -> int:
    """Counter-clockwise turn that brings the frame upright: 0, 90, 180 or 270."""
    return round(frame.rotation / 90) * 90 % 360


def _find_stream(
    path: str, container: av.container.InputContainer, kind: str
) -> av.stream.Stream | None:
    cover = av.stream.Disposition.attached_pic  # the picture on a song's sleeve
    streams = (s for s in container.streams if s.type == kind and not s.disposition & cover)
    stream = next(streams, None)
    if stream is not None:
        codec = stream.codec_context
        if codec is None:
            raise MediaError(f"{path}: FFmpeg has no decoder for its {_NAMES[kind]}; convert it")
        if not (codec.sample_rate if kind == "audio" else codec.width):
            raise MediaError(
                f"{path}: its {_NAMES[kind]} stream is {codec.name} without parameters or content; "
                "it is damaged or not a media file, fetch it again or leave it out"
            )
    return stream


def _track(path: str, container: av.container.InputContainer, kind: str) -> Track:
    stream = _find_stream(path, container, kind)
    if stream is None:
        found = ", ".join(s.type for s in container.streams) or "no stream at all"
        raise MediaError(
            f"{path}: has no {_NAMES[kind]} stream (found {found}); give a file with "
            f"{_NAMES[kind]} or leave it out"
        )
    for other in container.streams:
        if other is not stream:
            other.discard = av.stream.Discard.all
    return Track(path, stream, _packets(stream), _origin_secs(container))


def _packets(*streams: av.stream.Stream) -> Iterator[av.Packet]:
    try:
        yield from streams[0].container.demux(*streams)
    except UNDECODABLE:
        return  # cut off: whoever reads sees that the stream ends before its declared end
    except IndexError:
        return  # PyAV 18 stumbles over streams that turned up on the way, when all has been read


def _seek(track: Track, from_secs: float) -> Iterator[av.Packet] | None:
    """Packets from the last keyframe up to `from_secs` on; None if the seek lands late."""
    stream = track.stream
    try:
        stream.container.seek(
            int((from_secs + track.origin_secs) / stream.time_base), stream=stream
        )
    except av.error.FFmpegError:
        return None  # the container has no index
    packets = _packets(stream)
    keyframe = next((packet for packet in packets if packet.is_keyframe), None)
    if keyframe is None or keyframe.pts is None or track.secs(keyframe.pts) > from_secs:
        return None
    return itertools.chain([keyframe], packets)


def _origin_secs(container: av.container.InputContainer) -> float:
    return float(Fraction(max(container.start_time or 0, 0), av.time_base))


def _declared_duration_secs(container: av.container.InputContainer) -> float:
    end = Fraction((container.start_time or 0) + container.duration, av.time_base)
    return float(end) - _origin_secs(container)


def _first_rotation(path: str) -> int:
    with open_track(path, "video") as track:
        for packet in track.packets:
            try:
                frames = packet.decode()
            except UNDECODABLE:
                continue
            if frames:
                return rotation_degrees(frames[0])
    raise MediaError(f"{path}: none of its pictures can be decoded; fetch it again")


def _check_file(path: str, exists, is_folder, size_bytes) -> None:
    if not exists(path):
        raise FileNotFoundError(f"no such media file: {path}")
    if is_folder(path):
        raise MediaError(f"{path}: is a folder; give one file")
    if not size_bytes(path):
        raise MediaError(f"{path}: is empty (0 bytes); fetch it again or leave it out")
