"""Contestants do the same work, in the same way as what is published."""

import keras
import numpy as np
import pytest

from benchmark import (
    cached,
    extract,
    forward,
    gradients,
    material,
    timing,
    training_steps,
    workers,
)
from soundnet_tf.serving.extraction import run as extract_library

SECS = 12.0


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    material.write_films(str(work / "films"), count=1, secs=SECS)
    material.write_shards(str(work / "shards"), str(work / "films"), clip_secs=SECS)
    return str(work / "shards")


def test_our_gradients_are_those_of_plain_layers():
    """As near as plain layers are to themselves: only next to a kink is there more than 1e-4."""
    found = gradients.compare(SECS)
    assert 0 < found["difference_median"] < 1e-4 and 0 < found["noise_median"] < 1e-4
    assert found["difference_max"] < 5e-2


def test_both_steps_minimise_the_same_loss():
    """From the same weights on the same batch; Adam's first step is as long for all gradients."""
    losses = {}
    for name, contestant, count in (
        ("plain", training_steps.plain_step, {}),
        ("ours", training_steps.bare_steps, {"count": 1}),
    ):
        keras.utils.set_random_seed(7)
        step = contestant(1, SECS, **count)
        losses[name] = step(), step()
    assert losses["plain"][0] == pytest.approx(losses["ours"][0], rel=1e-4)
    assert losses["plain"][1] < 0.99 * losses["plain"][0]
    # Ours is the mean of all steps so far.
    assert 2 * losses["ours"][1] - losses["ours"][0] == pytest.approx(losses["plain"][1], rel=1e-2)


def test_steps_go_on_with_the_next_batches(shards):
    """Three batches of one clip in each run; the loss is the mean since the beginning."""
    step = cached.cached_steps(shards, 1, SECS, count=3)
    first, second = step(), step()
    assert 0 < second < first


@pytest.mark.slow
def test_teachers_in_the_step_see_the_frames(shards):
    step = cached.online_steps(shards, 1, SECS, count=1)
    assert np.isfinite(step())


@pytest.mark.parametrize("contestant", [forward.plain, forward.folded])
def test_both_networks_hear(contestant, monkeypatch):
    """Each of two batches, both heads."""
    heard = []
    monkeypatch.setattr(
        forward.keras.ops, "convert_to_numpy", lambda logits: heard.append(logits.shape[-1])
    )
    contestant(batch_size=1, batches=2, clip_secs=SECS)()
    assert sorted(heard) == [401, 401, 1000, 1000]


def test_extraction_hears_the_whole_recording(tmp_path, monkeypatch):
    model, path = str(tmp_path / "student"), str(tmp_path / "recording.mp3")
    material.write_student(model)
    material.write_recording(path, minutes=0.5)
    summaries = []

    def noted(config, progress):
        summaries.append(extract_library.extract(config, progress))

    monkeypatch.setattr(extract, "extract", noted)
    extract.extract_file(model, path)()
    extract.hear(model, path)()
    (summary,) = summaries
    assert summary.sound_secs == pytest.approx(30, abs=0.1)
    assert (summary.files, summary.channels) == (1, 256)


@pytest.mark.slow
def test_workers_share_a_batch():
    """Two clips by one process, by one worker and by two, who end with the first."""
    measured = timing.measure("workers", workers.contestants(2, SECS), rounds=1)
    assert list(measured) == ["step", "one worker", "two workers"]
    assert all(m.median_secs > 0 for m in measured.values())
