"""Held-out clips to look at: which, their sound and frames, and what is said of one moment."""

import dataclasses
import itertools

import board_material as material
import cached_records as cached
import clock_records
import event_files
import numpy as np
import numpy_distillation
import numpy_soundnet
import pytest
import tensorflow as tf
from scipy.special import softmax

from soundnet_tf.data import pipeline
from soundnet_tf.training.board import clips


def test_the_seed_chooses_clips_of_different_videos():
    """Of 12 clips of 5 videos; another seed takes others, the same one the same."""
    source = cached.source(*(material.clip(n, 3.0, video=f"v{n % 5}") for n in range(12)))
    chosen = [clips.choose(source, material.CONFIG, seed) for seed in (1, 1, 2)]
    names = [[clip.id for clip in some] for some in chosen]
    assert names[0] == names[1] != names[2]
    assert all(len({clip.video for clip in some}) == clips.SHOWN for some in chosen)


def test_few_videos_give_several_clips_each():
    source = cached.source(*(material.clip(n, 3.0, video=f"v{n % 2}") for n in range(9)))
    chosen = clips.choose(source, material.CONFIG, 0)
    assert len({clip.id for clip in chosen}) == clips.SHOWN
    assert {clip.video for clip in chosen[:2]} == {"v0", "v1"}
    few = cached.source(material.clip(0, 3.0))
    assert [clip.id for clip in clips.choose(few, material.CONFIG, 0)] == ["clip0"]


def test_clips_without_frames_are_passed_over():
    """As one is whose film turned out to be unusable when it was decoded."""
    whole = material.clip(7, 3.0)
    posteriors = {
        head: dataclasses.replace(p, values=p.values[:0]) for head, p in whole.posteriors.items()
    }
    empty = dataclasses.replace(whole, jpegs=(), frame_secs=(), posteriors=posteriors)
    source = cached.source(material.clip(0, 3.0), empty, material.clip(1, 3.0))
    found = clips.read(source, material.CONFIG, [1, 2, 0])
    assert [clip.id for clip in found] == ["clip1", "clip0"]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A clip longer than the crop and a shorter one, drawn once."""
    folder = tmp_path_factory.mktemp("drawn")
    made = [material.clip(0, 9.0), material.clip(1, 5.0)]
    config = pipeline.PipelineConfig(
        batch_size=2, crop_secs=material.CROP_SECS, targets="cached", short="mask"
    )
    shown = list(clips.read(cached.source(*made), config, [0, 1]))
    with tf.summary.create_file_writer(str(folder)).as_default(step=3):
        clips.draw_once(shown)
    return folder, made


@pytest.mark.parametrize("number, secs", [(1, 8.0), (2, 5.0)])
def test_the_sound_is_the_clips(drawn, number, secs):
    """Up to the crop, or to its own end; 16 bits a sample, give or take one of rounding."""
    folder, made = drawn
    ((step, wav),) = event_files.points(folder)[f"clips/{number}/sound"]
    found, rate = tf.audio.decode_wav(wav.flat[0])
    samples = round(secs * 22050)
    assert (step, rate) == (3, 22050) and found.shape == (samples, 1)
    expected = np.frombuffer(made[number - 1].audio, "<i2")[:samples] / 32768
    np.testing.assert_allclose(found[:, 0], expected, atol=2 / 32768)


@pytest.mark.parametrize("number, frames", [(1, 4), (2, 3)])
def test_the_frames_stand_side_by_side(drawn, number, frames):
    """Frame k is grey 40 k; one of 8 s and later is beyond the crop."""
    strip = event_files.pixels(drawn[0], f"clips/{number}/frames")
    height, width, _ = strip.shape
    assert width == frames * height
    middles = strip[height // 2, height // 2 :: height, 0].astype(int)
    np.testing.assert_allclose(middles, 40 * np.arange(frames), atol=2)


def top(probabilities, names):
    """Cells, the most probable class first."""
    best = sorted(range(len(names)), key=lambda c: -probabilities[c])
    return [f"{names[c]} ({100 * probabilities[c]:.1f}%)" for c in best]


@pytest.mark.parametrize(
    "alignment, clip_secs, said_secs", [("time", 8.0, 5.7), ("time", 5.0, 1.3), ("index", 8.0, 2.0)]
)
def test_what_is_said_is_of_one_moment(alignment, clip_secs, said_secs):
    """The second of two valid steps, centred on 5.70 s: by time what the teacher saw between the
    frames at 4 and 6 s, by index what it saw in the second frame, at 2 s. Of a clip of 5 s the
    first step alone counts, centred on 1.26 s."""
    clip = material.clip(0, clip_secs)
    distiller = material.distiller(alignment=alignment)
    config = dataclasses.replace(material.CONFIG, short="mask")
    (shown,) = clips.read(cached.source(clip), config, [0])
    text = clips.Answers(distiller).text(shown)
    assert f"clip0, {said_secs:.1f} s from its start" in text
    wanted = numpy_distillation.targets(clip, 8.0, 2.0, "mask", alignment)
    step = len(wanted["objects"]) // 2
    sound, _, _ = numpy_distillation.heard(clip, 8.0, 2.0, "mask")
    logits = numpy_soundnet.forward(distiller.student, np.pad(sound, (0, 176400 - len(sound))))
    columns = []
    for head, names in cached.LABELS.items():
        columns += [top(wanted[head][step], names), top(softmax(logits[head][step]), names)]
    rows = itertools.zip_longest(*columns, fillvalue="")
    head_row = [cell for h in cached.LABELS for cell in (f"{h}: teacher", "student")]
    lines = [f"| {' | '.join(cells)} |" for cells in (head_row, ["---"] * 4, *rows)]
    assert text.splitlines()[2:] == lines and len(lines) == 5


def test_a_clip_too_short_for_any_step_says_so():
    """The first step is centred on 1.3 s."""
    config = dataclasses.replace(material.CONFIG, short="mask")
    (shown,) = clips.read(cached.source(material.clip(0, 1.0)), config, [0])
    text = clips.Answers(material.distiller()).text(shown)
    assert text.startswith("clip0: no output step is centred within the sound")


def test_of_many_frames_ten_are_shown_from_the_first_to_the_last(tmp_path):
    """19 frames, half a second apart: every second one; frame k is grey 10 k. Moments are told in
    seconds."""
    jpegs = [clock_records.jpeg(np.full((256, 320, 3), 10 * k, np.uint8)) for k in range(19)]
    batch = {"waveform": np.zeros((1, 220500), np.float32), "lengths": np.array([220500])}
    clip = clips.Clip("clip", batch, jpegs, np.float32(0.5 * np.arange(19)))
    with tf.summary.create_file_writer(str(tmp_path)).as_default(step=1):
        clips.draw_once([clip])
    strip = event_files.pixels(tmp_path, "clips/1/frames")
    side = strip.shape[0]
    greys = strip[side // 2, side // 2 :: side, 0].astype(int)
    np.testing.assert_allclose(greys, 20 * np.arange(10), atol=2)
    (told,) = (
        value.metadata.summary_description
        for event in event_files.events(tmp_path)
        for value in event.summary.value
        if value.tag == "clips/1/frames"
    )
    assert told == f"clip 1: clip; frames at {', '.join(f'{k}.0' for k in range(10))} s"
