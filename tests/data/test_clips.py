"""Clips: where they start, what they hold, and what is left out with which reason."""

import io
import math
import re

import numpy as np
import odd_media
import pytest
import synthetic_media
from av.stream import Disposition
from hypothesis import given
from hypothesis import strategies as st
from media_writer import Pictures, Sound, counted_film, counted_picture, index_of, write
from PIL import Image

from soundnet_tf import media
from soundnet_tf.data import clips, planning, reasons
from soundnet_tf.data.clips import LeftOut, Run, Video
from soundnet_tf.data.settings import Cutting
from soundnet_tf.files.identity import Identity

SMALL = {"width": 64, "height": 48, "fps": 10}


def video_at(path, id="films/clock.mp4") -> Video:
    return Video(id, str(path), Identity(path.stat().st_size))


@pytest.mark.parametrize(
    ("duration_secs", "starts"),
    [
        (0.99, ()),
        (1.0, (0.0,)),
        (19.9, (0.0,)),
        (20.0, (0.0,)),
        (24.9, (0.0,)),
        (25.0, (0.0, 20.0)),
        (64.0, (0.0, 20.0, 40.0)),
        (65.0, (0.0, 20.0, 40.0, 60.0)),
    ],
)
def test_a_remainder_counts_from_one_frame_interval_on(duration_secs, starts):
    """Clips of 20 s, a frame each 5 s: a rest of 4.9 s is dropped, of 5 s kept; alone, 1 s is."""
    assert planning.clip_starts(duration_secs, Cutting()) == starts


def test_a_small_file_that_says_it_lasts_for_days_costs_few_clips(tmp_path):
    """Sound of 3 s, and the last picture at 100 000 s. What a packet of sound fills is up to a
    minute, so clips of 20 s that begin up to 60 + 2 s are looked at; the rest is one line."""
    picture = counted_picture(0, 0)
    secs = [0, 1, 100_000]
    pictures = Pictures("mjpeg", [picture] * 3, secs, 1, "yuvj420p", is_regular=False)
    hiss = np.random.default_rng(0).uniform(-0.5, 0.5, 8000 * 3)
    path = write(tmp_path / "long.mkv", Sound("pcm_s16le", 8000, hiss), pictures)
    (run,) = planning.plan(video_at(path), Cutting())
    assert run.starts_secs == (0.0, 20.0, 40.0, 60.0)
    (left_out,) = run.left_out
    assert left_out == LeftOut(80.0, "no sound from 80.00 to 100000.00 s")
    assert reasons.kind_of_reason(left_out.reason) == reasons.NO_SOUND


@given(
    duration_secs=st.floats(1, 7200),
    clip_secs=st.floats(1, 60),
    fraction=st.floats(0.01, 1),
)
def test_clips_cover_all_but_a_rest_shorter_than_a_frame_interval(
    duration_secs, clip_secs, fraction
):
    starts = planning.clip_starts(duration_secs, Cutting(clip_secs, fraction * clip_secs))
    assert starts == tuple(i * clip_secs for i in range(len(starts)))
    assert starts and starts[-1] < duration_secs
    rest_secs = duration_secs - (starts[-1] + clip_secs)
    assert rest_secs < fraction * clip_secs + 1e-9


@pytest.mark.parametrize(("clip_secs", "per_run"), [(20.0, 5), (30.0, 3), (400.0, 1)])
def test_a_film_is_planned_in_runs(tmp_path, monkeypatch, clip_secs, per_run):
    """Two hours in runs of 100 s, or of one clip if that is longer; the last run is marked."""
    info = media.probe(synthetic_media.write_clock_video(tmp_path / "clock.mp4", 1, **SMALL))
    film = {**vars(info), "duration_secs": 7200.0}
    monkeypatch.setattr(planning.media, "probe", lambda *_: media.MediaInfo(**film))
    monkeypatch.setattr(planning.media, "has_sound", lambda path, begins, *_: begins >= 0)
    runs = planning.plan(Video("film.mkv", "film.mkv", Identity(1)), Cutting(clip_secs))
    assert [start for run in runs for start in run.starts_secs] == [
        i * clip_secs for i in range(math.ceil(7200 / clip_secs))
    ]
    assert {len(run.starts_secs) for run in runs[:-1]} == {per_run}
    assert [run.last for run in runs] == [False] * (len(runs) - 1) + [True]


def test_clips_hold_the_seconds_of_the_video_that_they_name(tmp_path):
    """A clock video of 9 s in clips of 4 s, a frame each 2 s: seconds 0-3, 4-7 and the rest of 1 s
    is dropped; colours tell each frame's second, pitches that of each stretch of sound."""
    video = video_at(synthetic_media.write_clock_video(tmp_path / "clock.mp4", 9, **SMALL))
    cutting = Cutting(clip_secs=4.0, frame_every_secs=2.0)
    (run,) = planning.plan(video, cutting)
    assert run == Run(video, (0.0, 4.0), last=True)
    first, second = clips.cut(run, cutting)
    assert (first.id, second.id) == ("films/clock.mp4@0.000", "films/clock.mp4@4.000")
    for record, start in ((first, 0), (second, 4)):
        assert (record.video_id, record.start_secs) == ("films/clock.mp4", start)
        assert (record.audio_codec, record.sample_count) == ("pcm16", 4 * 22050)
        samples = np.frombuffer(record.audio, "<i2")
        assert len(samples) == record.sample_count
        for offset in range(4):
            middle = samples[int((offset + 0.2) * 22050) : int((offset + 0.8) * 22050)] / 32768
            assert synthetic_media.second_of_pitch(middle, 22050) == start + offset
        assert len(record.jpegs) == len(record.frame_secs) == 2
        for jpeg, wanted, at in zip(record.jpegs, (0, 2), record.frame_secs, strict=True):
            assert wanted <= at < wanted + 0.1  # the first frame at or after, at 10 a second
            pixels = np.asarray(Image.open(io.BytesIO(jpeg)))
            assert pixels.shape == (256, 341, 3)  # 48 x 64 with the short side 256
            colour = pixels.mean(axis=(0, 1))
            assert synthetic_media.second_of_colour(colour) == start + int(at)


def test_jpeg_keeps_colour_at_full_resolution():
    """One red column of 4 in blue: with chroma at half resolution red would bleed into blue, here
    every pixel stays within 12 of 255."""
    frame = np.zeros((16, 16, 3), np.uint8)
    frame[..., 2] = 200
    frame[:, 4::8] = (200, 0, 0)
    decoded = Image.open(io.BytesIO(clips.jpeg(frame)))
    assert (decoded.format, decoded.mode) == ("JPEG", "RGB")
    assert np.abs(np.asarray(decoded).astype(int) - frame).max() <= 12


class FilmOf:
    """Stands for an open film, every clip of which is the same."""

    def __init__(self, clip: media.Clip):
        self._clip = clip

    def clip(self, start_secs, **_):
        return self._clip


def cut_clip_of(waveform, frames=1) -> clips.ClipRecord | LeftOut:
    frame = np.zeros((256, 256, 3), np.uint8)
    clip = media.Clip(waveform, (frame,) * frames, np.arange(frames, dtype=np.float32))
    return clips.cut_clip(FilmOf(clip), Video("a.mp4", "a.mp4", Identity(1)), 20.0, Cutting())


@pytest.mark.parametrize(
    ("peak", "samples", "frames", "expected"),
    [
        (0.99e-4, 44100, 1, LeftOut(20.0, "silent")),
        (0.5, 44100, 0, LeftOut(20.0, "no frame")),
        (0.5, 11025, 1, LeftOut(20.0, "0.50 s of sound is too short, at least 1 s is needed")),
    ],
)
def test_a_clip_with_nothing_in_it_is_left_out(peak, samples, frames, expected):
    assert cut_clip_of(np.full(samples, peak, np.float32), frames) == expected


def test_a_clip_at_minus_80_dbfs_is_kept():
    """-80 dB of full scale is 10 ** (-80 / 20) = 1e-4, of 32768 that is 3."""
    record = cut_clip_of(np.full(44100, -1.0001e-4, np.float32))
    assert record.id == "a.mp4@20.000"
    assert set(np.frombuffer(record.audio, "<i2")) == {-3}


def test_settings_reach_the_reader():
    seen = {}

    class Film:
        def clip(self, start_secs, **settings):
            seen.update(settings, start_secs=start_secs)
            raise media.MediaError("seen enough")

    with pytest.raises(media.MediaError, match="seen enough"):
        clips.cut_clip(
            Film(), Video("a.mp4", "films/a.mp4", Identity(1)), 6.0, Cutting(3.0, 1.5, "first")
        )
    assert seen == {
        "start_secs": 6.0,
        "duration_secs": 3.0,
        "frame_every_secs": 1.5,
        "short_side": 256,
        "channel": "first",
    }


def garbage(path):
    path.write_bytes(np.random.default_rng(0).bytes(4000))


def clock(seconds=2.0, **options):
    return lambda path: synthetic_media.write_clock_video(path, seconds, **SMALL, **options)


@pytest.mark.parametrize(
    ("write", "problem"),
    [
        (clock(sound=False), "no sound"),
        (clock(picture=False), "no pictures"),
        (clock(0.5), "0.5[0-9] s of sound is too short, at least 1 s is needed"),
        (garbage, "FFmpeg cannot read it .*"),
        (lambda path: path.touch(), r"is empty \(0 bytes\).*"),
        (lambda path: path.mkdir(), "is a folder.*"),
        (lambda path: None, "no such media file: films/clock.mp4"),
    ],
)
def test_a_file_that_cannot_be_used_is_planned_with_its_problem(tmp_path, write, problem):
    path = tmp_path / "file.mp4"
    write(path)
    video = Video("films/clock.mp4", str(path), Identity(1))
    (run,) = planning.plan(video, Cutting())
    assert (run.starts_secs, run.last) == ((), True)
    assert re.fullmatch(problem, run.problem), run.problem
    assert str(tmp_path) not in run.problem and "\n" not in run.problem
    kind = clips.OutOfReach if "no such" in run.problem else LeftOut  # else another time too
    assert clips.cut(run, Cutting()) == (kind(0.0, run.problem, damaged=True),)


def test_a_clip_that_cannot_be_read_is_left_out_as_damaged(tmp_path):
    """The header promises 8 s; the file is cut after its first half."""
    whole = synthetic_media.write_clock_video(tmp_path / "clock.mkv", 8, **SMALL)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    video = video_at(cut)
    cutting = Cutting(2.0, 1.0)
    outcomes = clips.cut(Run(video, (0.0, 6.0), last=True), cutting)
    assert outcomes[0].id == "films/clock.mp4@0.000"
    assert outcomes[1].damaged and "sound" in outcomes[1].reason


def test_a_slide_is_the_picture_of_every_moment(tmp_path):
    """Slides at 0, 3 and 5.5 s; the clip of 2 to 6 s wants one each second."""
    video = video_at(odd_media.write_slide_show(tmp_path / "slides.mp4"))
    record = clips.cut(Run(video, (2.0,), last=True), Cutting(4.0, 1.0))[0]
    assert record.frame_secs == (0.0, 1.0, 2.0, 3.0)
    shown = [index_of(np.asarray(Image.open(io.BytesIO(jpeg)))) for jpeg in record.jpegs]
    assert shown == [0, 1, 1, 1]


def test_channels_that_cancel_out_are_the_reason(tmp_path):
    left = odd_media.tone(440.0, 3.0)
    sound = Sound("pcm_s16le", 44100, np.stack([left, -left], axis=1))
    video = video_at(write(tmp_path / "x.mkv", counted_film("libx264", 3.0), sound))
    run = Run(video, (0.0,), last=True)
    (left_out,) = clips.cut(run, Cutting(3.0, 1.0))
    assert left_out.reason == "silent, since its channels cancel out (see --channel=loudest)"
    (record,) = clips.cut(run, Cutting(3.0, 1.0, channel="loudest"))
    samples = np.frombuffer(record.audio, "<i2") / 32768
    assert samples.max() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("asked", "taken", "hz"), [(None, 1, 1000), (0, 0, 440), (1, 1, 1000)])
def test_the_sound_stream_that_is_taken(tmp_path, asked, taken, hz):
    """440 Hz is a commentary, so 1000 Hz is taken unless the other is asked for; the run tells."""
    film = odd_media.write_two_sounds(tmp_path / "x.mkv", Disposition.comment, 0)
    cutting = Cutting(3.0, 1.0, audio_stream=asked)
    (run,) = planning.plan(video_at(film), cutting)
    assert run.streams == clips.Streams(audio_stream=taken, video_stream=0)
    (record,) = clips.cut(run, cutting)
    samples = np.frombuffer(record.audio, "<i2")[:22050]
    assert np.argmax(np.abs(np.fft.rfft(samples))) == hz


def test_the_picture_stream_that_is_taken(tmp_path):
    """A red preview before the blue film; the second stream unless the first is asked for."""
    film = odd_media.write_preview_first(tmp_path / "x.mkv")
    for asked, colour in ((None, odd_media.BLUE), (0, odd_media.RED)):
        cutting = Cutting(3.0, 1.0, video_stream=asked)
        (run,) = planning.plan(video_at(film), cutting)
        assert run.streams == clips.Streams(0, 0 if asked == 0 else 1)
        (record,) = clips.cut(run, cutting)
        pixels = np.asarray(Image.open(io.BytesIO(record.jpegs[0])))
        np.testing.assert_allclose(pixels.mean(axis=(0, 1)), colour, atol=12)


def test_a_run_goes_on_after_a_clip_that_cannot_be_read(tmp_path, monkeypatch):
    """Of three clips the second cannot be read: the others are what they are alone."""
    video = video_at(synthetic_media.write_clock_video(tmp_path / "clock.mp4", 9, **SMALL))
    cutting = Cutting(clip_secs=3.0, frame_every_secs=1.0)
    alone = [clips.cut(Run(video, (secs,), last=True), cutting)[0] for secs in (0.0, 3.0, 6.0)]
    read = media.Film.clip

    def clip(self, start_secs, **settings):
        if start_secs == 3.0:
            raise media.MediaError(f"{video.path}: is worn out")
        return read(self, start_secs, **settings)

    monkeypatch.setattr(media.Film, "clip", clip)
    outcomes = clips.cut(Run(video, (0.0, 3.0, 6.0), last=True), cutting)
    assert outcomes == (alone[0], LeftOut(3.0, "is worn out", damaged=True), alone[2])
