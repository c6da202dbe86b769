import base64
import io

import av
import numpy as np
import pytest
from PIL import Image

from soundnet_tf.pages import inside, spectrogram


def decoded(content):
    with av.open(io.BytesIO(content)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


def content_of(address, kind):
    head, content = address.split(",")
    assert head == f"data:{kind};base64"
    return base64.b64decode(content)


def test_a_sound_is_itself_again():
    """A tone at half of full scale: as long; LAME makes all of it 0.95 times as loud."""
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(44100) / 22050).astype(np.float32)
    heard = decoded(content_of(inside.player_source(tone), "audio/mpeg"))
    assert heard.size == tone.size
    middle = slice(5000, 39000)
    assert np.abs(heard[middle] - 0.95 * tone[middle]).max() < 0.01


def test_too_loud_sound_is_clipped_and_none_is_silence():
    loud = 3 * np.sin(2 * np.pi * 440 * np.arange(44100) / 22050).astype(np.float32)
    assert np.abs(decoded(inside.mp3(loud))).max() < 1.3
    assert not decoded(inside.mp3(np.zeros(0, np.float32))).any()


def test_a_picture_keeps_its_proportions_and_colour():
    picture = np.full([40, 60, 3], [200, 30, 60], np.uint8)
    image = Image.open(io.BytesIO(content_of(inside.picture_source(picture, 20), "image/jpeg")))
    assert image.size == (30, 20)
    assert np.abs(np.asarray(image, int)[10, 15] - [200, 30, 60]).max() <= 3
    image = Image.open(io.BytesIO(content_of(inside.picture_source(picture, 99), "image/jpeg")))
    assert image.size == (60, 40)


@pytest.mark.parametrize("hz", [1000, 5000])
def test_a_tone_is_a_line_at_its_frequency(hz):
    """Bins are 22050 / 512 = 43.07 Hz apart; what is 1 s from it is silent, at -80 dB."""
    tone = np.sin(2 * np.pi * hz * np.arange(22050) / 22050)
    levels = spectrogram.spectrogram_db(np.concatenate([tone, np.zeros(22050)]), 40)
    assert levels.shape == (257, 40)
    assert (levels[:, 2:18].argmax(axis=0) == round(hz / (22050 / 512))).all()
    assert levels.max() == 0
    assert (levels[:, 22:] == -80).all()


def test_of_silence_and_of_nothing_all_is_the_floor():
    for sound in (np.zeros(22050), np.zeros(0), np.zeros(1)):
        levels = spectrogram.spectrogram_db(sound)
        assert levels.shape[1] >= 1
        assert (levels == -80).all()


def test_a_click_is_seen_however_few_the_columns():
    """The loudest window of each stretch counts."""
    sound = np.zeros(22050 * 10)
    sound[int(22050 * 7.5)] = 1
    levels = spectrogram.spectrogram_db(sound, 10)
    assert (levels.max(axis=0) > -80).tolist() == [i == 7 for i in range(10)]


def test_low_frequencies_are_at_the_bottom():
    tone = np.sin(2 * np.pi * 500 * np.arange(22050) / 22050)
    address = spectrogram.spectrogram_source(tone, columns=20, height=257)
    image = Image.open(io.BytesIO(content_of(address, "image/png"))).convert("L")
    assert np.asarray(image)[:, 10].argmax() == 256 - round(500 / (22050 / 512))
