"""A film whose colour and pitch both tell the second, through prepare, pipeline and distiller."""

import numpy as np
import pytest
import scipy.signal
import synthetic_media
import tensorflow as tf
from colour_teacher import write_colour_teacher

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data import pipeline, sources
from soundnet_tf.data.batch_settings import PipelineConfig
from soundnet_tf.data.prepare import prepare
from soundnet_tf.data.settings import Cutting, PrepareConfig
from soundnet_tf.models import student
from soundnet_tf.models.teachers.teacher import load_teacher
from soundnet_tf.training.distiller import Distiller
from soundnet_tf.training.settings import DistillConfig

FPS = 25
CLIP_SECS, CROP_SECS = 8.0, 6.0
FILM_SECS = 16
PALETTE = [synthetic_media.colour_of_second(second) for second in range(FILM_SECS)]
FILMS = {
    "plain.mp4": {},
    "late_sound.mkv": {"sound_delay_secs": 1.3},
    "stream.ts": {},
}


@pytest.fixture(scope="module", params=FILMS)
def clips(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    synthetic_media.write_clock_video(
        folder / request.param, FILM_SECS, FPS, **FILMS[request.param]
    )
    out = str(folder / "prepared")
    prepare(
        PrepareConfig(
            str(folder), out, Cutting(CLIP_SECS, 1 / FPS), num_shards=1, val_fraction=0.0, workers=1
        ),
        progress=False,
    )
    return sources.from_records(f"{out}/train-*")


def crops(source, count):
    config = PipelineConfig(batch_size=1, crop_secs=CROP_SECS)
    batches = pipeline.train_batches(source, config, steps=count)
    return [{name: value[0].numpy() for name, value in batch.items()} for batch in batches]


def seconds_heard(waveform):
    """float [samples]: the film's time in whole seconds that the pitch tells at each sample, -1 in
    silence; from the instantaneous frequency, smoothed over 20 ms."""
    signal = scipy.signal.hilbert(waveform)
    hertz = np.gradient(np.unwrap(np.angle(signal))) * SAMPLE_RATE / (2 * np.pi)
    kernel = np.ones(SAMPLE_RATE // 50) / (SAMPLE_RATE // 50)
    hertz = np.convolve(hertz, kernel, "same")
    loudness = np.convolve(np.abs(signal), kernel, "same")
    first, step = synthetic_media.pitch_of_second(0), synthetic_media.pitch_of_second(1)
    return np.where(loudness > 0.2, np.round((hertz - first) / (step - first)), -1)


def test_colour_and_pitch_change_within_one_frame_of_each_other(clips):
    changes = 0
    for crop in crops(clips, 6):
        heard = seconds_heard(crop["waveform"])
        seen = np.array(
            [synthetic_media.second_of_colour(f) for f in crop["frames"].mean(axis=(1, 2))]
        )
        assert crop["frame_mask"].all()
        for k in np.flatnonzero(np.diff(seen)) + 1:
            colour_secs = crop["frame_secs"][k]
            sample = round(float(colour_secs) * SAMPLE_RATE)
            margin = round(1.0 / FPS * SAMPLE_RATE) + SAMPLE_RATE // 100  # one frame and 10 ms
            if (
                sample < 2 * margin
                or sample > len(heard) - 2 * margin
                or heard[sample - margin] < 0
            ):
                continue
            assert heard[sample + margin] == seen[k]
            assert heard[sample - margin] == seen[k] - 1 == seen[k - 1]
            changes += 1
    assert changes >= 10


def test_targets_are_what_is_heard_at_each_steps_centre(clips, tmp_path):
    teacher = load_teacher(write_colour_teacher(tmp_path / "clock.keras", PALETTE))
    network = student.SoundNet5(object_classes=FILM_SECS, scene_classes=None)
    distiller = Distiller(network, {"objects": teacher}, DistillConfig())
    centre_secs = student.architecture_of(network).heads.first_centre_secs
    compared = 0
    for crop in crops(clips, 8):
        heard = seconds_heard(crop["waveform"])
        batch = {name: tf.constant(value)[None] for name, value in crop.items()}
        posteriors, mask = distiller.targets(batch)["objects"]
        assert mask.numpy().all()
        # Only where the second does not change within one frame of the centre.
        sample = round(centre_secs * SAMPLE_RATE)
        around = heard[sample - SAMPLE_RATE // FPS : sample + SAMPLE_RATE // FPS]
        if around.min() == around.max() >= 0:
            assert posteriors[0, 0].numpy().argmax() == around[0]
            assert posteriors[0, 0].numpy().max() > 0.99
            compared += 1
    assert compared >= 4
