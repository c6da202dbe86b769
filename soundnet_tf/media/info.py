"""What a media file holds."""

from collections.abc import Mapping
from dataclasses import dataclass

import av
import numpy as np

from soundnet_tf.constants import MOST_PIXELS
from soundnet_tf.media import limits
from soundnet_tf.media.container import (
    UNDECODABLE,
    MediaError,
    declared_duration_secs,
    demux,
    open_container,
)
from soundnet_tf.media.layout import Layout, lay_out
from soundnet_tf.media.orientation import Orientation, orientation
from soundnet_tf.media.streams import streams_of_kind
from soundnet_tf.media.survey import Packets, survey

_ROUNDING_SECS = 0.1  # by which a header may know the end better than packets, which are padded


@dataclass(frozen=True)
class StreamInfo:
    """One sound or picture stream.

    number: among the file's streams of its kind, from 0: what `audio_stream` and `video_stream`
        take.
    codec: FFmpeg's name; None if there is no decoder.
    dispositions: what the file says of it, in FFmpeg's words ("default", "comment", ...).
    language, title: as the file has them, or None.
    packets, bytes: how much is in it.
    """

    number: int
    codec: str | None
    dispositions: tuple[str, ...]
    language: str | None
    title: str | None
    packets: int
    bytes: int


@dataclass(frozen=True)
class MediaInfo:
    """What a file holds; the fields of a stream that it does not have are None.

    duration_secs: where the last of sound and picture ends, as found by reading through the file.
    width, height: pixels of the upright picture.
    rotation_degrees, mirrored: what brings the stored picture upright: it is mirrored left to
        right, if it is, and then turned counter-clockwise by 0, 90, 180 or 270 degrees.
    audio_stream, video_stream: number of the stream that is taken unless another is asked for;
        what stands above is of these.
    audio_streams, video_streams: all there are, attached pictures among the latter.
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
    mirrored: bool
    audio_stream: int | None
    video_stream: int | None
    audio_streams: tuple[StreamInfo, ...]
    video_streams: tuple[StreamInfo, ...]


def probe(
    path: str,
    audio_stream: int | None = None,
    video_stream: int | None = None,
    most_pixels: int = MOST_PIXELS,
) -> MediaInfo:
    """What the file at `path` holds, by all its packets and its first picture.

    The file is read through, but not decoded: no header is believed that says more or less.

    Args:
        path: local, or remote ("://", see `files.storage`).
        audio_stream: number of the sound stream to tell of; None is the one that is taken.
        video_stream: likewise of the picture stream.
        most_pixels: of a picture; larger ones are not decoded.

    Raises:
        FileNotFoundError: no such file.
        MediaError: not a media file, one without sound and picture, no stream of that number, no
            picture can be decoded, time stamps that do not show what belongs together, or a header
            beyond all measure (see `limits`).
    """
    with open_container(path, most_pixels=most_pixels) as container:
        layout = lay_out(path, container, audio_stream, video_stream)
        if not layout.streams:
            raise MediaError(
                f"{path}: has neither sound nor picture (found {container.format.long_name}); "
                "give a sound or video file"
            )
        sound, picture = (
            container.streams[layout.streams[kind]] if kind in layout.streams else None
            for kind in ("audio", "video")
        )
        sound_codec, picture_codec = (s and s.codec_context for s in (sound, picture))
        if sound_codec:
            limits.check_sound(path, sound_codec)
        frame_rate = picture and (picture.average_rate or picture.guessed_rate)
        first_frame = picture and _first_frame(path, picture, most_pixels)
        turn = orientation(first_frame) if first_frame else Orientation()
        size = turn.size(first_frame.width, first_frame.height) if first_frame else (None, None)
        if first_frame:
            aspect = float(picture.sample_aspect_ratio or 1)
            limits.check_shape(path, first_frame.width * aspect, first_frame.height)
        found = survey(path)
        return MediaInfo(
            duration_secs=_duration_secs(container, layout),
            container=container.format.name,
            sample_rate=sound_codec and sound_codec.sample_rate,
            channels=sound_codec and sound_codec.layout.nb_channels,
            audio_codec=sound_codec and sound_codec.codec.canonical_name,
            width=size[0],
            height=size[1],
            frame_rate=frame_rate and float(frame_rate),
            video_codec=picture_codec and picture_codec.codec.canonical_name,
            rotation_degrees=turn.rotation_degrees,
            mirrored=turn.mirrored,
            audio_stream=_number(container, sound),
            video_stream=_number(container, picture),
            audio_streams=_stream_infos(container, "audio", found),
            video_streams=_stream_infos(container, "video", found),
        )


def has_sound(
    path: str, begins_secs: np.ndarray, ends_secs: np.ndarray, audio_stream: int | None = None
) -> np.ndarray:
    """Which stretches of a file may hold sound, by its packets: none does in the middle of a pause
    of minutes, nor long behind the last packet, whatever the file says of its length.

    Args:
        path: as of `probe`.
        begins_secs, ends_secs: float64 [stretches].
        audio_stream: as of `probe`.

    Returns:
        bool [stretches].

    Raises:
        FileNotFoundError, MediaError: as `probe`, or there is no sound stream.
    """
    with open_container(path) as container:
        layout = lay_out(path, container, audio_stream)
        if "audio" not in layout.packets:
            raise MediaError(f"{path}: has no sound")
        return layout.is_near("audio", begins_secs, ends_secs)


def _duration_secs(container: av.container.InputContainer, layout: Layout) -> float:
    """By the packets; a header that agrees with them knows of padding that is not presented."""
    declared_secs, end_secs = declared_duration_secs(container), layout.end_secs
    if declared_secs is None or layout.is_joined:
        return end_secs
    latest_secs = end_secs + _ROUNDING_SECS + layout.unknown_end_secs
    # The last packet may be one that is not full: a header that ends in it knows.
    earliest_secs = end_secs - max(_ROUNDING_SECS, 0.95 * layout.last_packet_secs)
    return declared_secs if earliest_secs < declared_secs <= latest_secs else end_secs


def _first_frame(path: str, stream: av.stream.Stream, most_pixels: int) -> av.VideoFrame:
    for packet in demux(stream):
        try:
            frames = packet.decode()
        except UNDECODABLE:
            continue
        if frames:
            return frames[0]
    raise MediaError(
        f"{path}: none of its pictures can be decoded; it is damaged, or they have more than "
        f"{most_pixels / 1e6:g} megapixels (--most_megapixels): fetch it again or leave it out"
    )


def _number(container: av.container.InputContainer, stream: av.stream.Stream | None) -> int | None:
    return stream and streams_of_kind(container, stream.type).index(stream)


def _stream_infos(
    container: av.container.InputContainer, kind: str, packets: Mapping[int, Packets]
) -> tuple[StreamInfo, ...]:
    return tuple(
        StreamInfo(
            number=number,
            codec=stream.codec_context and stream.codec_context.codec.canonical_name,
            dispositions=tuple(d.name for d in av.stream.Disposition if stream.disposition & d),
            language=stream.metadata.get("language"),
            title=stream.metadata.get("title"),
            packets=len(packets[stream.index].order),
            bytes=packets[stream.index].bytes,
        )
        for number, stream in enumerate(streams_of_kind(container, kind))
    )
