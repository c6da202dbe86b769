"""Which codecs go into which containers: the files that are read and compared with ffmpeg's."""

from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from av.codec.codec import UnknownCodecError
from media_writer import Sound, counted_film, write
from odd_media import chirp

SECONDS = 6.4
_MILLISECOND = 1e-3
_ONE_MS_STAMPS = frozenset({".mkv", ".mka", ".webm", ".flv", ".asf", ".wma", ".wmv", ".rm"})
_MONO = frozenset(
    {"g722", "g726", "g723_1", "nellymoser", "libopencore_amrnb", "real_144", "adpcm_ima_ws"}
)
_RATES = {
    "libopus": 48000,
    "g722": 16000,
    "g726": 8000,
    "g723_1": 8000,
    "libopencore_amrnb": 8000,
    "real_144": 8000,
    "pcm_bluray": 48000,
    "pcm_dvd": 48000,
}
_BIT_RATES = {"wmav1": 128000, "wmav2": 128000, "g723_1": 6300}  # which these do not choose
_EXPERIMENTAL = {"strict": "experimental"}  # the muxer's or the encoder's, as FFmpeg calls it
_PIXELS = {
    "ffv1": "bgr0",
    "qtrle": "rgb24",
    "mjpeg": "yuvj420p",
    "prores_ks": "yuv422p10le",
    "huffyuv": "rgb24",
    "png": "rgb24",
    "rawvideo": "bgr24",
    "utvideo": "gbrp",
    "cinepak": "rgb24",
    "zmbv": "bgr0",
    "flashsv": "bgr24",
}
_SPEED = {
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libsvtav1": {"preset": "12"},
    "libx264": {"preset": "veryfast"},
}


@dataclass(frozen=True)
class Format:
    """A container by its extension, the encoder of its sound and, in a film, of its pictures."""

    suffix: str
    audio: str
    video: str | None = None
    form: str | None = None  # the muxer, where the extension does not name it
    options: dict[str, str] = field(default_factory=dict)  # the muxer's
    audio_options: dict[str, str] = field(default_factory=dict)
    rate: int | None = None  # Hz, where 44 100 or the encoder's own will not do
    stamps_off_secs: float | None = None  # where more than a container's rounding
    note: str = ""  # what is special, for the name of the test

    def __str__(self):
        return " ".join(filter(None, (self.suffix[1:], self.video, self.audio, self.note)))

    @property
    def missing(self) -> str | None:
        """What this PyAV lacks to write it; None if nothing."""
        for codec in filter(None, (self.audio, self.video)):
            try:
                av.Codec(codec, "w")
            except UnknownCodecError:
                return f"this PyAV has no encoder {codec}"
        return None

    @property
    def is_exact(self) -> bool:
        """Whether every decoder gives the same samples, wherever it begins."""
        exact = ("pcm_", "adpcm_", "flac", "alac", "wavpack", "tta")
        return self.audio.startswith(exact)

    @property
    def slack_secs(self) -> float:
        """How far the file's stamps are off, by rounding if nothing else."""
        if self.stamps_off_secs is not None:
            return self.stamps_off_secs
        return _MILLISECOND if self.suffix in _ONE_MS_STAMPS else 0.0

    def write(self, folder: Path, **delays: float) -> Path:
        """A file of `SECONDS` of counted pictures and of a chirp in each channel.

        Streams begin at `sound_secs` and `picture_secs` of `delays`, else at 0.
        """
        rate = self.rate or _RATES.get(self.audio, 44100)
        sound_secs = delays.get("sound_secs", 0.0)
        wave = chirp(SECONDS, rate)
        if self.audio == "vorbis":  # FFmpeg's encoder is bad at channels that differ
            wave = np.stack([wave, wave], axis=1)
        elif self.audio not in _MONO:
            wave = np.stack([wave, 0.5 * wave[::-1]], axis=1)
        options = {**(_EXPERIMENTAL if self.audio == "vorbis" else {}), **self.audio_options}
        wave = wave[max(0, round(sound_secs * rate)) :]
        bit_rate = _BIT_RATES.get(self.audio)
        tracks = [Sound(self.audio, rate, wave, sound_secs, options, bit_rate=bit_rate)]
        if self.video:
            film = counted_film(
                self.video,
                SECONDS,
                start_secs=delays.get("picture_secs", 0.0),
                pixels=_PIXELS.get(self.video, "yuv420p"),
                options=_SPEED.get(self.video, {}),
            )
            tracks.insert(0, film)
        options = {**_EXPERIMENTAL, **self.options}
        return write(folder / f"x{self.suffix}", *tracks, form=self.form, **options)


def _sounds(suffix: str, codecs: str, **more) -> list[Format]:
    return [Format(suffix, codec, **more) for codec in codecs.split()]


def _films(suffix: str, pairs: str, **more) -> list[Format]:
    """`pairs`: "video+audio ..."."""
    return [
        Format(suffix, audio, video, **more)
        for video, audio in (pair.split("+") for pair in pairs.split())
    ]


SOUNDS = [
    *_sounds(".wav", "pcm_u8 pcm_s16le pcm_s24le pcm_s32le pcm_s64le pcm_f32le pcm_f64le"),
    *_sounds(".wav", "pcm_alaw pcm_mulaw adpcm_ima_wav adpcm_ms adpcm_yamaha g722 g726 g723_1"),
    *_sounds(".wav", "libmp3lame mp2 ac3 flac"),
    *_sounds(".wav", "pcm_s16le", options={"rf64": "always"}, note="RF64"),
    *_sounds(".w64", "pcm_s16le pcm_s24le pcm_f32le adpcm_ima_wav"),
    *_sounds(".aiff", "pcm_s8 pcm_s16be pcm_s24be pcm_s32be pcm_f32be pcm_f64be pcm_alaw"),
    *_sounds(".aiff", "pcm_mulaw pcm_s16le adpcm_ima_qt"),
    *_sounds(".au", "pcm_s8 pcm_s16be pcm_s24be pcm_s32be pcm_f32be pcm_f64be pcm_alaw pcm_mulaw"),
    *_sounds(".caf", "pcm_s16le pcm_s24be pcm_f32be pcm_mulaw alac adpcm_ima_qt"),
    *_sounds(".flac", "flac"),
    *_sounds(".flac", "flac", audio_options={"frame_size": "65535"}, note="long blocks"),
    *_sounds(".wv", "wavpack"),
    *_sounds(".tta", "tta"),
    *_sounds(".ogg", "vorbis libopus flac libspeex"),
    *_sounds(".opus", "libopus"),
    *_sounds(".oga", "flac"),
    *_sounds(".mp3", "libmp3lame"),
    *_sounds(".mp3", "libmp3lame", options={"write_xing": "0"}, note="without length"),
    *_sounds(".mp3", "libmp3lame", audio_options={"compression_level": "9"}, note="quick"),
    *_sounds(".mp2", "mp2"),
    *_sounds(".ac3", "ac3", rate=48000),
    *_sounds(".eac3", "eac3", rate=48000),
    # Each stamp is cut to 1/90 000 s: in 6.4 s they fall behind by 1.4 ms.
    *_sounds(".ac3", "ac3", stamps_off_secs=2e-3, note="at 44.1 kHz"),
    *_sounds(".aac", "aac"),
    *_sounds(".m4a", "aac alac"),
    *_sounds(".mka", "pcm_u8 pcm_s16le pcm_s24le pcm_s16be pcm_f32le aac libmp3lame ac3 eac3"),
    *_sounds(".mka", "libopus flac vorbis alac mp2"),
    *_sounds(".mkv", "wavpack tta"),
    *_sounds(".wma", "wmav1 wmav2", form="asf"),
    *_sounds(".nut", "pcm_s16le flac"),
    *_sounds(".voc", "pcm_u8"),
    *_sounds(".sox", "pcm_s32le"),
    *_sounds(".sf", "pcm_s16le pcm_f32le", form="ircam"),
    *_sounds(".mmf", "adpcm_yamaha"),
    *_sounds(".amr", "libopencore_amrnb"),
    *_sounds(".adx", "adpcm_adx"),
    *_sounds(".ast", "pcm_s16be_planar"),
    *_sounds(".aud", "adpcm_ima_ws", form="wsaud"),
    *_sounds(".avi", "pcm_u8 pcm_s16le libmp3lame"),
    *_sounds(".mov", "pcm_u8 pcm_s16le pcm_s24be pcm_f32le pcm_alaw adpcm_ima_qt"),
    *_sounds(".ts", "mp2 aac ac3", options={"output_ts_offset": "1.4"}),
]

FILMS = [
    *_films(".mp4", "libx264+aac libx265+ac3 mpeg4+libmp3lame libsvtav1+libopus libvpx-vp9+flac"),
    *_films(".mp4", "libx264+alac libx264+eac3 mpeg2video+mp2 mjpeg+aac"),
    *_films(
        ".mp4",
        "libx264+aac",
        options={"movflags": "frag_keyframe+empty_moov+default_base_moof"},
        note="fragments",
    ),
    *_films(".mov", "libx264+pcm_s16le prores_ks+pcm_s24le mjpeg+pcm_u8 qtrle+adpcm_ima_qt"),
    *_films(".mov", "libx264+pcm_f32le png+pcm_alaw"),
    *_films(".mkv", "ffv1+flac libx264+vorbis mpeg2video+pcm_s16le libx265+libopus mjpeg+wavpack"),
    *_films(".mkv", "ffv1+tta libx264+libmp3lame mpeg4+ac3 libx264+aac libsvtav1+eac3"),
    *_films(".webm", "libvpx+vorbis libvpx-vp9+libopus libsvtav1+libopus"),
    *_films(".ts", "mpeg2video+mp2 libx264+aac libx265+ac3 libx264+libopus libx264+libmp3lame"),
    *_films(".m2ts", "libx264+ac3 mpeg2video+pcm_bluray"),
    *_films(".mpg", "mpeg1video+mp2 mpeg2video+libmp3lame"),
    *_films(".vob", "mpeg2video+ac3", form="vob"),
    # FFmpeg's muxer: stamps up to 10 ms later than the count of samples, then earlier again.
    *_films(".vob", "mpeg2video+pcm_dvd", form="vob", stamps_off_secs=11e-3),
    *_films(".flv", "flv+libmp3lame libx264+aac flashsv+adpcm_swf"),
    *_films(".wmv", "wmv1+wmav1 wmv2+wmav2 msmpeg4+libmp3lame", form="asf"),
    *_films(".3gp", "mpeg4+aac libx264+libopencore_amrnb"),
    *_films(".nut", "mpeg4+libmp3lame ffv1+pcm_s16le"),
    *_films(".mxf", "mpeg2video+pcm_s16le", rate=48000),
    *_films(".ogv", "libtheora+vorbis libvpx+vorbis"),
    *_films(".avi", "mpeg4+libmp3lame mpeg4+pcm_u8 huffyuv+pcm_s16le mjpeg+ac3 mpeg4+aac"),
    *_films(".avi", "msmpeg4v2+adpcm_ima_wav zmbv+adpcm_ms cinepak+pcm_s16le utvideo+mp2"),
    *_films(".wtv", "mpeg2video+mp2"),
    *_films(".rm", "rv10+ac3"),
    *_films(".swf", "flv+libmp3lame"),
]
