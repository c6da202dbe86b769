import numpy as np
import pytest

from soundnet_tf.pages import spectrogram
from soundnet_tf.reporting.overview import Overview

HOP = spectrogram.WINDOW // 2


def columns_of(sound, columns, pieces=1):
    overview = Overview(columns)
    for piece in np.array_split(np.asarray(sound, np.float32), pieces):
        overview.push(piece)
    return overview.finish()


@pytest.mark.parametrize("pieces", [1, 7, 100])
def test_of_a_short_sound_each_column_is_a_window(pieces):
    """Levels of the windows of `spectrogram_db`, which shows no more columns than there are."""
    sound = np.random.default_rng(0).uniform(-1, 1, 50 * HOP)
    found = columns_of(sound, 200, pieces)
    expected = spectrogram.spectrogram_db(sound.astype(np.float32), 200)
    count = min(found.levels_db.shape[1], expected.shape[1])
    assert count >= 50
    np.testing.assert_allclose(found.levels_db[:, :count], expected[:, :count], atol=0.01)


@pytest.mark.parametrize("windows", [39, 40, 41, 1000, 5000])
def test_columns_are_bounded_and_hold_the_extremes_of_their_time(windows):
    """40 columns at most, 20 at least of so long a sound; a spike is in the column of its time, and
    a column's extremes are those of the samples whose nearest window is in it."""
    sound = np.random.default_rng(1).uniform(-0.1, 0.1, windows * HOP).astype(np.float32)
    spike = int(0.7 * sound.size)
    sound[spike] = 0.9
    found = columns_of(sound, 20, 13)
    count = len(found.lows)
    assert 20 <= count <= 40
    per = next(2**k for k in range(20) if 40 * 2**k >= windows + 1)
    assert found.highs.argmax() == (spike + HOP // 2) // HOP // per
    padded = np.concatenate([np.zeros(HOP // 2), sound, np.zeros(per * HOP * 40)])
    highs = padded[: per * HOP * count].reshape(count, -1).max(axis=1)
    np.testing.assert_array_equal(found.highs, highs.astype(np.float32))
    assert found.levels_db.max() == 0


@pytest.mark.parametrize("samples", [1, 127, 128, 129, 255, 256, 300, 384, 385, 511])
def test_the_last_sample_is_seen(samples):
    sound = np.zeros(samples)
    sound[-1] = 0.9
    assert columns_of(sound, 10, 2).highs.max() == np.float32(0.9)


def test_silence_nothing_and_one_sample():
    for sound in (np.zeros(22050), np.zeros(0)):
        found = columns_of(sound, 10)
        assert len(found.highs) >= 1
        assert not found.highs.any()
        assert (found.levels_db == -80).all()
    assert columns_of([0.5], 10).highs.tolist()[0] == 0.5


def test_no_columns_are_refused():
    with pytest.raises(ValueError, match="columns is 0"):
        Overview(0)
