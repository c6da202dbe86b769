"""The sound of a labelled set: repeated and cut to one length."""

import dataclasses

import numpy as np
import pytest
import soundfile
from toy_sets import toy_set

from soundnet_tf.media import MediaError, read_audio
from soundnet_tf.sounds.waveforms import read_clips

RATE = 22050


def noise(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-0.4, 0.4, shape).astype(np.float32)


@pytest.fixture
def recordings(tmp_path):
    """Twelve files: of 0.3 s to 3 s, one at another rate, one of two channels."""
    data = toy_set(folds=("1", "2"))
    clips = []
    for i, clip in enumerate(data.clips):
        path = str(tmp_path / clip.path)
        sound = noise(6615 * min(i + 1, 10), seed=i)
        if i == 3:
            sound = np.stack([sound, sound / 2], axis=1)
        soundfile.write(path, sound, 44100 if i == 2 else RATE, "FLOAT")
        clips.append(dataclasses.replace(clip, path=path))
    return dataclasses.replace(data, clips=tuple(clips))


def test_recordings_are_repeated_and_cut(recordings):
    waveforms = read_clips(recordings, 1.0, progress=False)
    assert waveforms.shape == (12, RATE) and waveforms.dtype == np.float32
    for i, (waveform, clip) in enumerate(zip(waveforms, recordings.clips, strict=True)):
        sound = read_audio(clip.path)
        np.testing.assert_array_equal(waveform, np.tile(sound, 7)[:RATE])
        if i not in (2, 3):  # as they were written
            np.testing.assert_array_equal(sound, noise(6615 * min(i + 1, 10), seed=i))


def test_a_recording_that_cannot_be_read_is_named(recordings):
    with open(recordings.clips[5].path, "w") as file:
        file.write("no sound")
    with pytest.raises(MediaError, match="1c1.wav"):
        read_clips(recordings, 1.0, progress=False)


def test_progress_goes_to_stderr(recordings, capsys):
    read_clips(recordings, 0.1)
    out, err = capsys.readouterr()
    assert out == "" and "reading: 100%" in err and "12/12" in err
