"""Clips of a film read in one pass are those read alone, and little is decoded for them."""

import itertools
import os
from pathlib import Path

import av
import numpy as np
import pytest
import synthetic_media

from soundnet_tf.media import Film, MediaError, open_film, probe, read_clip
from soundnet_tf.media.pictures import Pictures
from soundnet_tf.media.survey import _survey as survey
from soundnet_tf.media.track import open_track, open_tracks

SHARED = Path(os.environ.get("SOUNDNET_SHARED") or Path(__file__).resolve().parents[3] / "shared")
REAL = sorted(
    path
    for path in (SHARED / "data" / "videos").glob("*")
    if path.suffix in (".mp4", ".avi", ".mkv", ".webm")
)
SECONDS = 14
B_FRAMES = {"video_codec": "libx264", "audio_codec": "aac"}  # some of which no frame refers to

FILMS = {
    "clock.mp4": {},
    "clock.mkv": {},
    "clock.webm": {},
    "vp9.webm": {"video_codec": "libvpx-vp9"},
    "clock.avi": {},
    "clock.ts": {},
    "h264.ts": B_FRAMES,
    "sparse.mp4": {"keyframe_every_secs": SECONDS},
    "sparse.ts": {**B_FRAMES, "keyframe_every_secs": SECONDS},
    "vfr.mp4": {"vfr": True},
    "vfr.mkv": {"vfr": True},
    "late-sound.mkv": {"sound_delay_secs": 2.3},
    "late-sound.ts": {"sound_delay_secs": 2.3},
    "late-picture.mp4": {"picture_delay_secs": 3.48},
    "late-picture.ts": {"picture_delay_secs": 3.48},
    "gap.mp4": {"sound_gap_secs": (4.0, 9.0)},
}


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    folder, written = tmp_path_factory.mktemp("film"), {}

    def write(name: str) -> Path:
        if name not in written:
            written[name] = synthetic_media.write_clock_video(
                folder / name, SECONDS, width=96, height=64, **FILMS[name]
            )
        return written[name]

    return write


def assert_same_clip(clip, alone):
    np.testing.assert_array_equal(clip.waveform, alone.waveform)
    np.testing.assert_array_equal(clip.frame_secs, alone.frame_secs)
    np.testing.assert_array_equal(clip.frames, alone.frames)


def outcome(read, *arguments):
    """A clip, or the error's text."""
    try:
        return read(*arguments)
    except MediaError as error:
        return str(error)


@pytest.mark.parametrize("name", FILMS)
@pytest.mark.parametrize(("clip_secs", "every_secs"), [(3.0, 1.3), (0.99, 0.25), (5.0, 5.0)])
def test_clips_in_one_pass_equal_clips_alone(film, name, clip_secs, every_secs):
    """To the last bit, from the beginning on and from a later moment, the rest at the end too."""
    path = film(name)
    for first_secs in (0.0, 2.45):
        with open_film(path, first_secs) as opened:
            for start_secs in np.arange(first_secs, SECONDS, clip_secs):
                arguments = (float(start_secs), clip_secs, every_secs, 32)
                alone = outcome(read_clip, path, *arguments)
                clip = outcome(opened.clip, *arguments)
                if isinstance(alone, str):
                    assert clip == alone
                else:
                    assert_same_clip(clip, alone)


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="the real clips (shared/data/videos) are not here")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_clips_in_one_pass_equal_clips_alone(path):
    with open_film(path) as opened:
        for start_secs in np.arange(0.0, probe(path).duration_secs - 0.5, 3.0):
            arguments = (float(start_secs), 3.0, 0.8, 64)
            assert_same_clip(opened.clip(*arguments), read_clip(path, *arguments))


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="the real clips (shared/data/videos) are not here")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_clips_hold_the_frames_of_a_film_that_is_wholly_decoded(path):
    """The last begun by each half second, by a loop over every frame, pixel for pixel."""
    film = []
    with av.open(str(path)) as container:
        stream = container.streams.video[probe(path).video_stream]
        origin_secs = (container.start_time or 0) / av.time_base
        for frame in container.decode(stream):
            secs = float((frame.dts if frame.pts is None else frame.pts) * stream.time_base)
            # In AVI stamps are guessed, and some frames come out before earlier ones.
            secs = max([secs - origin_secs] + [begun_secs for begun_secs, _ in film[-1:]])
            film.append((secs, frame.reformat(64, format="gray").to_ndarray()))
    with open_film(path) as opened:
        found = opened._pictures.shown_frames(np.arange(0.0, 20.0, 0.5), 20.0)
    steps = int(min(film[-1][0], 19.99) / 0.5) + 1
    assert len(found) in (steps, steps + 1)  # 1: the last one is still on screen
    for number, (secs, frame) in enumerate(found):
        begun = [shown for shown in film if shown[0] <= 0.5 * number + 1e-5]
        begin_secs, expected = (begun or film[:1])[-1]
        assert secs == pytest.approx(max(0.5 * number, begin_secs), abs=1e-9)
        grey = frame.reformat(width=64, format="gray").to_ndarray()
        np.testing.assert_array_equal(grey, expected)


@pytest.fixture
def decoded(monkeypatch):
    """Collects the times of the frames that come out of the decoder."""
    times, decode = [], Pictures._decode

    def counted(self, packets):
        for secs, frame in decode(self, packets):
            times.append(secs)
            yield secs, frame

    monkeypatch.setattr(Pictures, "_decode", counted)
    return times


def test_frames_before_the_nearest_keyframe_are_not_decoded(film, decoded):
    """A keyframe each second and a frame each 3 s: of 200 frames, up to 25 and a delay for each."""
    clip = read_clip(film("clock.mp4"), 1.9, 6.0, 3.0, 32)  # those that began at 1.88 and 4.88
    np.testing.assert_allclose(clip.frame_secs, [0.0, 3.0], atol=1e-6)
    assert len(decoded) < 2 * 35


def test_frames_that_no_other_refers_to_are_not_decoded(film, decoded):
    """One keyframe for 14 s and a frame each 5 s. On the way to the third the film has 250 frames,
    x264 makes three of four B-frames in so still a picture, and refers to one of the three."""
    clip = read_clip(film("sparse.mp4"), 0.0, 14.0, 5.0, 32)
    np.testing.assert_allclose(clip.frame_secs, [0.0, 5.0, 10.0], atol=1e-6)
    assert len(decoded) < 250 * 0.6


def test_what_comes_after_the_last_wanted_frame_is_not_decoded(film, decoded):
    """Frames are wanted at 0, 5, 10 and 15 s of 14 s: from 10 s on there is nothing to find."""
    clip = read_clip(film("sparse.mp4"), 0.0, 20.0, 5.0, 32)
    np.testing.assert_allclose(clip.frame_secs, [0.0, 5.0, 10.0], atol=1e-6)
    assert max(decoded) < 10.5


def test_no_frame_is_decoded_twice_in_one_pass(film, decoded):
    """A single keyframe: read alone, each clip would begin at it."""
    with open_film(film("sparse.mp4")) as opened:
        for start_secs in range(0, 14, 2):
            opened.clip(start_secs, 2.0, 1.0, 32)
    assert decoded == sorted(set(decoded))


def test_the_films_last_frame_is_decoded_though_no_other_refers_to_it(film):
    """It is the one on screen at any later moment: no packet but its own is wanted for it."""
    with open_track(film("sparse.mp4"), "video") as track:
        pictures = Pictures(track)
        packets = [packet for packet in track.packets if packet.pts is not None]
        last = max(packets, key=lambda packet: packet.pts)
        pictures._target_secs = track.secs(last.pts)
        kept = [packet for packet in packets if not pictures._is_passed(packet)]
    assert kept == [last]


@pytest.mark.parametrize("name", ["clock.mp4", "clock.avi", "h264.ts"])
def test_tracks_in_one_pass_have_the_packets_of_tracks_alone(film, name):
    """Read by turns; the sound is closed halfway, and then nothing of it waits in memory."""
    with open_track(film(name), "audio") as track:
        sound_alone = [(packet.pts, bytes(packet)) for packet in track.packets]
    with open_track(film(name), "video") as track:
        picture_alone = [(packet.pts, bytes(packet)) for packet in track.packets]
    with open_tracks(film(name), "audio", "video") as (sound, picture):
        seen = [(p.pts, bytes(p)) for p in itertools.islice(picture.packets, 100)]
        heard = [(p.pts, bytes(p)) for p in itertools.islice(sound.packets, 250)]
        sound.packets.close()
        assert sound.stream.discard == av.stream.Discard.all
        seen += [(packet.pts, bytes(packet)) for packet in picture.packets]
    assert heard == sound_alone[:250]
    assert seen == picture_alone


def test_after_the_first_clip_the_pass_is_the_pictures_alone(film):
    with open_tracks(film("clock.mp4"), "audio", "video") as (sound, pictures):
        Film(pictures, sound).clip(0.0, 2.0, 1.0, 32)
        assert sound.stream.discard == av.stream.Discard.all
        assert next(sound.packets, None) is None


def test_the_first_clip_is_read_in_one_pass_of_the_file(film, monkeypatch):
    opens, av_open = [], av.open

    def counted(*arguments, **options):
        opens.append(arguments)
        return av_open(*arguments, **options)

    monkeypatch.setattr(av, "open", counted)
    read_clip(film("clock.mp4"), 0.0, 5.0, 1.0, 32)
    survey.cache_clear()
    opens.clear()
    read_clip(film("clock.mp4"), 0.0, 5.0, 1.0, 32)
    assert len(opens) == 2  # to see what is there, and to decode
    read_clip(film("clock.mp4"), 0.0, 5.0, 1.0, 32)
    assert len(opens) == 3  # what is there is known


def test_pictures_that_cannot_be_decoded(film, tmp_path):
    """The packets' bytes are overwritten, the sound's and the index are left."""
    content = bytearray(film("clock.mkv").read_bytes())
    with av.open(str(film("clock.mkv"))) as container:
        for packet in container.demux(container.streams.video[0]):
            if packet.size:
                place = content.index(bytes(packet))
                content[place : place + packet.size] = b"\xff" * packet.size
    path = tmp_path / "torn.mkv"
    path.write_bytes(content)
    with pytest.raises(MediaError, match="none of its pictures can be decoded"):
        read_clip(path, 0.0, 5.0)
