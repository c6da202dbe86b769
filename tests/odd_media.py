"""Files as they come that break what a reader likes to assume, written with PyAV alone.

Pictures are counted (`media_writer.counted_film`: each shows its number) or of one colour, the
sound is a tone, a chirp or the clock's (`synthetic_media`), so that a test can tell what it got.
"""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from av.stream import Disposition
from media_writer import Pictures, Sound, counted_film, write
from synthetic_media import clock_sound

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
TONES = (440.0, 1000.0)  # Hz, of the first and the second of two joined files
COLOURS = (RED, BLUE)  # of their pictures
WRAP_SECS = 2**33 / 90000  # transport streams count 33 bits of 1/90 000 s: 95 443.7 s
_STARTS_SECS = 1.4  # where the ffmpeg program begins a transport stream

# The matrix (a, b, c, d) of a track header takes the stored (x, y) to (a x + c y, b x + d y).
ORIENTATIONS = {
    "as stored": (1, 0, 0, 1),
    "turned right": (0, 1, -1, 0),
    "upside down": (-1, 0, 0, -1),
    "turned left": (0, -1, 1, 0),
    "mirrored": (-1, 0, 0, 1),
    "flipped": (1, 0, 0, -1),
    "transposed": (0, 1, 1, 0),
    "anti-transposed": (0, -1, -1, 0),
}


def tone(hz: float, seconds: float, rate: int = 44100, peak: float = 0.5) -> np.ndarray:
    """float32 [round(seconds * rate)]: a sine of phase 0 at its first sample."""
    return (peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype("f4")


def chirp(seconds: float, rate: int = 44100, peak: float = 0.3) -> np.ndarray:
    """float32 [round(seconds * rate)]: at t seconds a sine of 200 + 80 t Hz; never twice alike."""
    secs = np.arange(round(seconds * rate)) / rate
    return (peak * np.sin(2 * np.pi * (200 + 40 * secs) * secs)).astype(np.float32)


def coloured(codec: str, colour: Sequence[int], seconds: float, size=(96, 64), **options):
    """Pictures of one colour, 25 a second; `size` is width and height."""
    picture = np.full((size[1], size[0], 3), colour, np.uint8)
    count = round(25 * seconds)
    return Pictures(codec, [picture] * count, [i / 25 for i in range(count)], **options)


def join(path: str | Path, *parts: str | Path) -> Path:
    """The bytes of the parts, one after the other, as `cat` joins them."""
    Path(path).write_bytes(b"".join(Path(part).read_bytes() for part in parts))
    return Path(path)


def write_joined(path: str | Path, seconds: float = 4.0, second_offset_secs: float = 0.0) -> Path:
    """Two files of `seconds` each, joined: 440 Hz beside red, then 1000 Hz beside blue.

    ts (MPEG-2, MP2) and webm (VP8, Opus) have pictures; flac and ogg (Opus, chained) have sound
    alone. The stamps of the second file start again; in a transport stream they lie
    `second_offset_secs` later than that: 1000 + `seconds` makes a jump forward by 1000 s.
    """
    path = Path(path)
    codecs = {
        ".ts": ("mpeg2video", "mp2", 44100),
        ".webm": ("libvpx", "libopus", 48000),
        ".flac": (None, "flac", 44100),
        ".ogg": (None, "libopus", 48000),
    }
    video, audio, rate = codecs[path.suffix]
    parts = []
    for index, (hz, colour) in enumerate(zip(TONES, COLOURS, strict=True)):
        tracks = [Sound(audio, rate, tone(hz, seconds, rate))]
        if video:
            speed = {"deadline": "realtime", "cpu-used": "8"} if video == "libvpx" else {}
            tracks.insert(0, coloured(video, colour, seconds, options=speed))
        offset_secs = _STARTS_SECS + (second_offset_secs if index else 0.0)
        options = {"output_ts_offset": str(offset_secs)} if path.suffix == ".ts" else {}
        parts.append(
            write(path.with_name(f"{path.stem}-part{index}{path.suffix}"), *tracks, **options)
        )
    join(path, *parts)
    for part in parts:
        part.unlink()
    return path


def write_wrapped(path: str | Path, seconds: float = 8.0, wrap_at_secs: float = 4.0) -> Path:
    """A transport stream of counted pictures and a chirp; within it the stamps begin again at 0."""
    offset_secs = WRAP_SECS - wrap_at_secs
    film, sound = counted_film("mpeg2video", seconds), Sound("mp2", 44100, chirp(seconds))
    return write(path, film, sound, output_ts_offset=f"{offset_secs:.6f}")


def quadrants(width: int = 160, height: int = 96) -> np.ndarray:
    """uint8 [height, width, 3]: red, green / blue, white."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2], picture[: height // 2, width // 2 :] = RED, GREEN
    picture[height // 2 :, : width // 2], picture[height // 2 :, width // 2 :] = BLUE, WHITE
    return picture


def oriented(picture: np.ndarray, orientation: str) -> np.ndarray:
    """The stored `picture` as a player shows it that honours the matrix of `orientation`."""
    a, b, c, d = ORIENTATIONS[orientation]
    shown = picture
    if a == 0:  # the new x comes of the old y
        shown = shown.transpose(1, 0, 2)
        return shown[::b, ::c]
    return shown[::d, ::a]


def write_oriented(path: str | Path, orientation: str, seconds: float = 2.0) -> Path:
    """Four coloured quarters in MP4 or MOV under one of the eight `ORIENTATIONS`, with a tone."""
    picture = quadrants()
    count = round(10 * seconds)
    film = Pictures("libx264", [picture] * count, [i / 10 for i in range(count)], rate=10)
    write(path, film, Sound("aac", 44100, tone(TONES[0], seconds)))
    set_display_matrix(path, ORIENTATIONS[orientation], *picture.shape[1::-1])
    return Path(path)


def set_display_matrix(path: str | Path, matrix: Sequence[int], width: int, height: int) -> None:
    """Write (a, b, c, d) into the first track header, with a shift that keeps the picture at 0."""
    a, b, c, d = matrix
    shift = [width * (min(a, 0) == -1) + height * (c == -1), width * (b == -1) + height * (d == -1)]
    rows = (a << 16, b << 16, 0, c << 16, d << 16, 0, shift[0] << 16, shift[1] << 16, 1 << 30)
    data = bytearray(Path(path).read_bytes())
    at = data.index(b"tkhd") + 44
    data[at : at + 36] = struct.pack(">9i", *rows)
    Path(path).write_bytes(data)


def write_long_blocks(path: str | Path, seconds: float = 8.0, rate: int = 44100) -> Path:
    """A chirp in FLAC of 65 535 samples a block: 1.5 s each at 44.1 kHz."""
    return write(path, Sound("flac", rate, chirp(seconds, rate), options={"frame_size": "65535"}))


def write_chirp(path: str | Path, codec: str, seconds: float = 8.0, rate: int = 44100) -> Path:
    """A chirp by an encoder, in the container of the extension: "adpcm_ima_wav" or "g722" in wav,
    "wavpack" in wv, "tta" in tta, "pcm_s16le" in mka, whatever goes together. G.722 has 16 kHz."""
    rate = 16000 if codec == "g722" else rate
    return write(path, Sound(codec, rate, chirp(seconds, rate)))


def write_8_bit_avi(path: str | Path, seconds: float = 8.0) -> Path:
    """Counted pictures beside a chirp in unsigned 8-bit PCM of 22 050 Hz: bytes are samples."""
    film = counted_film("mpeg4", seconds)
    return write(path, film, Sound("pcm_u8", 22050, chirp(seconds, 22050)))


def write_short_header(path: str | Path, seconds: float = 8.0, declared_secs: float = 3.0) -> Path:
    """A WebM or Matroska film of `seconds`, whose header declares `declared_secs`."""
    speed = {"deadline": "realtime", "cpu-used": "8"}
    film = counted_film("libvpx", seconds, options=speed)
    write(path, film, Sound("libopus", 48000, chirp(seconds, 48000)))
    data = bytearray(Path(path).read_bytes())
    at = data.index(b"\x44\x89\x88") + 3  # EBML element "Duration", a float64 in milliseconds
    data[at : at + 8] = struct.pack(">d", 1000 * declared_secs)
    Path(path).write_bytes(data)
    return Path(path)


def write_slide_show(path: str | Path, slide_secs: Sequence[float] = (0.0, 3.0, 5.5)) -> Path:
    """Counted pictures that come at `slide_secs` and stay, under 8 s of the clock's sound.

    The last one has no length of its own in most containers: FFmpeg's muxers give it the step
    before it, or none.
    """
    slides = counted_film("libx264", len(slide_secs), rate=1)
    film = Pictures("libx264", slides.frames, list(slide_secs), rate=25, is_regular=False)
    return write(path, film, Sound("aac", 44100, clock_sound(0.0, 8.0, 44100)))


def write_two_sounds(
    path: str | Path,
    first: Disposition | int = 0,
    second: Disposition | int = 0,
    seconds: float = 3.0,
    codec: str = "aac",
) -> Path:
    """Two sound streams under a film: 440 Hz marked as `first` says, 1000 Hz as `second` says."""
    sounds = [
        Sound(codec, 44100, tone(hz, seconds), flags=int(flags))
        for hz, flags in zip(TONES, (first, second), strict=True)
    ]
    return write(path, counted_film("libx264", seconds), *sounds)


def write_preview_first(path: str | Path, seconds: float = 3.0) -> Path:
    """A red stream of 32 x 16 pixels before the film proper, blue and 96 x 64, under a tone."""
    streams = coloured("libx264", RED, seconds, (32, 16)), coloured("libx264", BLUE, seconds)
    return write(path, *streams, Sound("aac", 44100, tone(TONES[0], seconds)))


def write_unmarked_cover(path: str | Path, seconds: float = 3.0) -> Path:
    """One red JPEG at time 0 as the first picture stream, without the flag of an attached picture,
    before a blue film under a tone."""
    cover = Pictures("mjpeg", [np.full((64, 64, 3), RED, np.uint8)], [0.0], pixels="yuvj420p")
    film = coloured("libx264", BLUE, seconds)
    return write(path, cover, film, Sound("aac", 44100, tone(TONES[0], seconds)))


def write_out_of_phase(path: str | Path, seconds: float = 3.0, codec: str = "pcm_s16le") -> Path:
    """A tone whose right channel is the left one's negative: their mean is silence."""
    left = tone(TONES[0], seconds)
    return write(path, Sound(codec, 44100, np.stack([left, -left], axis=1)))
