"""Which of a file's streams are its sound and its picture.

Files hold more than one: commentaries, tracks for those who cannot see or hear, previews, sleeves
of songs. What the file says of its streams comes first, then how much is in them.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import av
from av.stream import Disposition

from soundnet_tf.media.container import MediaError
from soundnet_tf.media.survey import Packets

KINDS = {"audio": "sound", "video": "picture"}

_ATTACHED = Disposition.attached_pic | Disposition.timed_thumbnails  # a sleeve is no film
# Said, sung or shown for some, about the film, or only part of it.
_ASIDE = (
    Disposition.comment
    | Disposition.hearing_impaired
    | Disposition.visual_impaired
    | Disposition.descriptions
    | Disposition.clean_effects
    | Disposition.non_diegetic
    | Disposition.karaoke
    | Disposition.lyrics
    | Disposition.dependent
    | Disposition.still_image
)
_LEAST_AREA = 1 / 4  # of the largest picture stream's; what is smaller is a preview
_LEAST_BYTES = 1 / 10  # of the largest sound stream's of a codec; what is smaller holds silence


def streams_of_kind(container: av.container.InputContainer, kind: str) -> list[av.stream.Stream]:
    """All "audio" or "video" streams; their places in the list are the numbers users give."""
    return [stream for stream in container.streams if stream.type == kind]


def choose_streams(
    path: str,
    container: av.container.InputContainer,
    packets: Mapping[int, Packets],
    audio_stream: int | None = None,
    video_stream: int | None = None,
) -> dict[str, av.stream.Stream]:
    """The sound and the picture of a file, by kind, see `choose_stream`; without a kind of which
    there is none.

    Of a transport stream with several programmes both are of one: its streams stand together, a
    picture and the sound that follows it.
    """
    sounds, pictures = (streams_of_kind(container, kind) for kind in KINDS)
    is_told = audio_stream is not None and 0 <= audio_stream < len(sounds)
    several = container.format.name == "mpegts" and len(pictures) > 1
    near = None
    if several and is_told and video_stream is None:
        near = [s for s in pictures if s.index < sounds[audio_stream].index][-1:]
    picture = choose_stream(path, container, packets, "video", video_stream, near)
    near = None
    if several and picture is not None:
        stop = min((s.index for s in pictures if s.index > picture.index), default=math.inf)
        near = [stream for stream in sounds if picture.index < stream.index < stop]
    sound = choose_stream(path, container, packets, "audio", audio_stream, near)
    chosen = {"audio": sound, "video": picture}
    return {kind: stream for kind, stream in chosen.items() if stream is not None}


def choose_stream(
    path: str,
    container: av.container.InputContainer,
    packets: Mapping[int, Packets],
    kind: str,
    number: int | None = None,
    near: Sequence[av.stream.Stream] | None = None,
) -> av.stream.Stream | None:
    """The stream of a kind that the file is about, or the one asked for.

    A stream that can be decoded goes before one that cannot, the film itself before commentaries,
    versions for the visually or hearing impaired and the like, moving pictures before a single one,
    and what is of some size before a small preview or a track with next to nothing in it, which
    silence compresses to. Of what is left a default stream is taken, then the largest (pictures by
    their pixels, sound by its bytes), then the first.

    Args:
        path: for errors.
        container: the open file.
        packets: what `survey` found in it.
        kind: "audio" or "video".
        number: the wanted stream among those of its kind, from 0; None chooses.
        near: of which it is to be chosen, unless they are none.

    Returns:
        None if there is none; attached pictures are no video unless asked for by number.

    Raises:
        MediaError: no stream of this number, or a stream that cannot be decoded.
    """
    streams = streams_of_kind(container, kind)
    if number is not None:
        if not 0 <= number < len(streams):
            raise MediaError(
                f"{path}: has {len(streams)} {KINDS[kind]} streams; {kind}_stream is {number}, "
                "it counts from 0 (soundnet_tf.probe shows them all)"
            )
        chosen = streams[number]
    else:
        candidates = [s for s in near or streams if not s.disposition & _ATTACHED]
        if not candidates:
            return None
        chosen = _best(candidates, packets)
    _check_decodable(path, chosen, kind)
    return chosen


def _best(streams: list[av.stream.Stream], packets: Mapping[int, Packets]) -> av.stream.Stream:
    """One of the streams, all of one kind, by one reason to prefer some after the other."""
    is_video = streams[0].type == "video"

    def count(stream: av.stream.Stream) -> int:
        return len(packets[stream.index].order)

    def extent(stream: av.stream.Stream) -> int:
        codec = stream.codec_context
        return codec.width * codec.height if is_video and codec else packets[stream.index].bytes

    def is_small(stream: av.stream.Stream) -> bool:
        # Bytes tell something of one codec only: those of PCM are ten times those of AAC.
        alike = [s for s in streams if is_video or _codec(s) == _codec(stream)]
        share = _LEAST_AREA if is_video else _LEAST_BYTES
        return extent(stream) < share * max(map(extent, alike))

    streams = _preferred(streams, _is_decodable)
    streams = _preferred(streams, lambda stream: count(stream) > 0)
    streams = _preferred(streams, lambda stream: not stream.disposition & _ASIDE)
    if is_video:
        streams = _preferred(streams, lambda stream: count(stream) > 1)
    streams = _preferred(streams, lambda stream: not is_small(stream))
    streams = _preferred(streams, lambda stream: stream.disposition & Disposition.default)
    return max(streams, key=lambda stream: (extent(stream), packets[stream.index].bytes))


def _preferred(
    streams: list[av.stream.Stream], is_preferred: Callable[[av.stream.Stream], object]
) -> list[av.stream.Stream]:
    """Those that are, or all where none is."""
    return [stream for stream in streams if is_preferred(stream)] or streams


def _codec(stream: av.stream.Stream) -> str | None:
    return stream.codec_context and stream.codec_context.name


def _is_decodable(stream: av.stream.Stream) -> bool:
    codec = stream.codec_context
    return codec is not None and (stream.type == "video" or bool(codec.sample_rate))


def _check_decodable(path: str, stream: av.stream.Stream, kind: str) -> None:
    codec = stream.codec_context
    if codec is None:
        raise MediaError(f"{path}: no decoder for its {KINDS[kind]}; convert it")
    if kind == "audio" and not codec.sample_rate:
        raise MediaError(
            f"{path}: its sound stream is {codec.name} with no sound near the beginning; it "
            "is damaged or not a media file, fetch it again or leave it out"
        )
