"""Media files whose content tells the time, written with PyAV and soundfile for the tests.

In a clock video the whole picture has during second s a colour that belongs to s, and the sound is
a sine whose pitch belongs to s; both change exactly on the second. `second_of_colour` and
`second_of_pitch` read the clock back after lossy coding, resizing and resampling, so that a test
can ask of any frame and any stretch of sound "from which second of the film are you?".
"""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile

MAX_SECONDS = 48  # distinct colours and pitches

_RED = _GREEN = (16, 92, 168, 244)
_BLUE = (16, 128, 240)
_STRIDE = 19  # coprime to 48: neighbouring seconds get colours that lie far apart
_INVERSE_STRIDE = pow(_STRIDE, -1, MAX_SECONDS)
_LOWEST_HZ = 200
_STEP_HZ = 60  # highest pitch: 3020 Hz, below the Nyquist frequency of 8 kHz sound

_CODECS = {  # container: (video, audio)
    ".mp4": ("libx264", "aac"),
    ".mov": ("libx264", "aac"),
    ".mkv": ("libx264", "aac"),
    ".webm": ("libvpx", "libopus"),
    ".avi": ("mpeg4", "libmp3lame"),
    ".ts": ("mpeg2video", "mp2"),
}
_MUXER_OPTIONS = {
    ".ts": {"output_ts_offset": "1.4"},
    ".avi": {"avoid_negative_ts": "disabled"},  # else the sound's encoder delay moves the picture
}
_VIDEO_CLOCK = 1000  # ticks a second of the video encoder's time base where frames are irregular


def colour_of_second(second: int) -> tuple[int, int, int]:
    """RGB in [0, 255] of the picture during `second`, 0 to 47."""
    index = second * _STRIDE % MAX_SECONDS
    return _RED[index // 12], _GREEN[index // 3 % 4], _BLUE[index % 3]


def second_of_colour(rgb: np.ndarray) -> int:
    """The second whose colour is nearest to `rgb`, [3] (take the mean over a frame's pixels)."""
    red, green, blue = (
        int(np.argmin(np.abs(np.asarray(levels) - float(value))))
        for levels, value in zip((_RED, _GREEN, _BLUE), rgb, strict=True)
    )
    return (red * 12 + green * 3 + blue) * _INVERSE_STRIDE % MAX_SECONDS


def pitch_of_second(second: int) -> int:
    """Hz of the sound during `second`, 0 to 47."""
    return _LOWEST_HZ + _STEP_HZ * second


def second_of_pitch(samples: np.ndarray, sample_rate: int) -> int:
    """The second whose pitch is the loudest in `samples`, [n] with n / sample_rate >= 0.1 s."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 4 * len(samples)))
    peak_hz = np.argmax(spectrum) * sample_rate / (4 * len(samples))
    return round((peak_hz - _LOWEST_HZ) / _STEP_HZ)


def clock_sound(start_secs: float, seconds: float, sample_rate: int) -> np.ndarray:
    """float32 [round(seconds * sample_rate)]: the clock's sound from `start_secs` on, peak 0.5.

    The phase is 0 at each full second, where the pitch changes; the sine goes on without a step.
    """
    secs = start_secs + np.arange(round(seconds * sample_rate)) / sample_rate
    second = np.floor(secs + 1e-9)
    return (0.5 * np.sin(2 * np.pi * pitch_of_second(second) * (secs - second))).astype(np.float32)


def sound_lag_secs(waveform: np.ndarray, sample_rate: int, start_secs: float = 0.0) -> float:
    """How late the clock's sound is in `waveform`, [n], which should begin at `start_secs`.

    It is the shift of the largest cross-correlation with `clock_sound`, to one sample, up to 0.2 s
    both ways.
    """
    expected = clock_sound(start_secs, len(waveform) / sample_rate, sample_rate)
    size = 2 * len(waveform)
    spectrum = np.fft.rfft(waveform, size) * np.conj(np.fft.rfft(expected, size))
    correlation = np.fft.irfft(spectrum, size)
    reach = round(0.2 * sample_rate)
    return (int(np.argmax(np.roll(correlation, reach)[: 2 * reach])) - reach) / sample_rate


def write_clock_video(
    path: str | Path,
    seconds: float,
    fps: int = 25,
    width: int = 320,
    height: int = 240,
    sample_rate: int = 44100,
    channels: int = 2,
    sound_delay_secs: float = 0.0,
    picture_delay_secs: float = 0.0,
    vfr: bool = False,
    video_codec: str | None = None,
    audio_codec: str | None = None,
    keyframe_every_secs: float = 1.0,
    sound_gap_secs: tuple[float, float] | None = None,
    sound: bool = True,
    picture: bool = True,
) -> Path:
    """Write a clock video of `seconds` (at most 48) and give its path back.

    The extension picks container and codecs: mp4, mov, mkv (H.264 and AAC), webm (VP8 and Opus),
    avi (MPEG-4 and MP3), ts (MPEG-2 and MP2); `video_codec`, `audio_codec` are PyAV encoder names.

    Sound and picture begin at their delays and end at `seconds`; colour and pitch always tell the
    absolute second. With `vfr` the frames come at irregular steps of 1 to 3 frame times, but one
    falls on each full second. The packets between the times of `sound_gap_secs` are left out,
    the later ones keep their times. Every channel holds the same sound. Opus is written at
    48 kHz. A TS file starts later than 1.4 s, and there the encoder's delay (AAC 23 ms, MP2 11 ms
    at 44.1 kHz) is sound before the picture: the clock of both begins that much after time 0.
    AVI knows neither late streams nor irregular frames (no delays, no `vfr`, no gap), and in it
    the MP3 encoder's delay (25 ms at 44.1 kHz) makes the sound late. MPEG-2 takes no `vfr`; use
    H.264 ("libx264") in TS for that.
    """
    if not 0 < seconds <= MAX_SECONDS:
        raise ValueError(f"a clock video lasts up to {MAX_SECONDS} s, not {seconds}")
    path = Path(path)
    if path.suffix == ".avi" and (sound_delay_secs or picture_delay_secs or vfr or sound_gap_secs):
        raise ValueError("AVI cannot hold delays, gaps or irregular frames; take another container")
    default_video, default_audio = _CODECS[path.suffix]
    with av.open(str(path), "w", options=_MUXER_OPTIONS.get(path.suffix, {})) as container:
        tracks = []
        if picture:
            video = _video_stream(
                container, video_codec or default_video, fps, width, height, keyframe_every_secs
            )
            tracks.append(_video_packets(video, seconds, fps, picture_delay_secs, vfr))
        if sound:
            codec = audio_codec or default_audio
            rate = 48000 if codec == "libopus" else sample_rate
            audio = container.add_stream(codec, rate=rate, layout=_layout(channels))
            tracks.append(_audio_packets(audio, seconds, sound_delay_secs, sound_gap_secs))
        for packets in tracks:  # the muxer interleaves by time
            container.mux(list(packets))
    return path


def write_sound(path: str | Path, waveform: np.ndarray, sample_rate: int, **options) -> Path:
    """Write `waveform`, [samples] or [samples, channels] in [-1, 1], and give the path back.

    wav, flac, ogg and mp3 are written by soundfile, which takes `options` (such as `subtype`);
    m4a (AAC), opus and mka (FLAC) by PyAV.
    """
    path = Path(path)
    if path.suffix in (".wav", ".flac", ".ogg", ".mp3"):
        channels = 1 if waveform.ndim == 1 else waveform.shape[1]
        with soundfile.SoundFile(path, "w", sample_rate, channels, **options) as file:
            for begin in range(0, len(waveform), sample_rate):  # a long write crashes its Vorbis
                file.write(waveform[begin : begin + sample_rate])
        return path
    codec = {".m4a": "aac", ".opus": "libopus", ".mka": "flac"}[path.suffix]
    planes = np.atleast_2d(waveform.T).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=sample_rate, layout=_layout(len(planes)))
        container.mux(list(_encode_sound(stream, planes, 0)))
    return path


def write_sine(
    path: str | Path,
    seconds: float = 3.0,
    sample_rate: int = 44100,
    channels: int = 1,
    hz: float = 440.0,
    peak: float = 0.5,
    **options,
) -> Path:
    """Write a sound file with the same sine of `hz` in every channel, phase 0 at time 0."""
    sine = peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * sample_rate)) / sample_rate)
    return write_sound(path, np.repeat(sine[:, None], channels, axis=1), sample_rate, **options)


def _layout(channels: int) -> str:
    return {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}[
        channels
    ]


def _video_stream(container, codec, fps, width, height, keyframe_every_secs):
    stream = container.add_stream(codec, rate=fps)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.codec_context.gop_size = max(1, round(keyframe_every_secs * fps))
    if container.format.name == "avi":
        stream.codec_context.max_b_frames = 0  # AVI has no presentation times to reorder by
    if codec == "libx264":
        stream.options = {"sc_threshold": "0"}  # else each new colour would get a keyframe too
    if codec.startswith("libvpx"):
        stream.options = {"deadline": "realtime", "cpu-used": "8"}
    return stream


def _video_packets(stream, seconds, fps, delay_secs, vfr):
    time_base = Fraction(1, _VIDEO_CLOCK if vfr else fps)
    stream.codec_context.time_base = time_base
    for index in range(round(seconds * fps)):
        secs = Fraction(index, fps)
        if secs < delay_secs or (vfr and index % fps and index * 7 % 5 > 1):
            continue
        pixels = np.empty((stream.height, stream.width, 3), np.uint8)
        pixels[:] = colour_of_second(int(secs))
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.time_base, frame.pts = time_base, round(secs / time_base)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _audio_packets(stream, seconds, delay_secs, gap_secs):
    rate = stream.codec_context.sample_rate
    wave = clock_sound(delay_secs, seconds - delay_secs, rate)
    planes = np.repeat(wave[None], stream.codec_context.layout.nb_channels, axis=0)
    for packet in _encode_sound(stream, planes, round(delay_secs * rate)):
        secs = float(packet.pts * packet.time_base)
        if gap_secs is None or not gap_secs[0] <= secs < gap_secs[1]:
            yield packet


def _encode_sound(stream, planes, first_sample):
    """Packets of float32 `planes` [channels, samples] whose time begins at `first_sample`."""
    context = stream.codec_context
    for begin in range(0, planes.shape[1], context.sample_rate):
        # Interleaved, since PyAV 18 reads past the end of a frame of 8 planes.
        block = planes[:, begin : begin + context.sample_rate].T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(block, format="flt", layout=context.layout.name)
        frame.sample_rate, frame.time_base = context.sample_rate, Fraction(1, context.sample_rate)
        frame.pts = first_sample + begin
        yield from stream.encode(frame)
    yield from stream.encode(None)
