"""HEAR's common API: what its rules ask, and the numbers of the Keras student."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from soundnet_tf import hear
from soundnet_tf.models import checkpoint, student
from soundnet_tf.models.architecture import SOUNDNET5, SOUNDNET8

SECOND = 22050


@pytest.fixture(scope="module")
def model():
    try:
        return hear.load_model()
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def soundnet5(tmp_path_factory):
    """A folder as training leaves it, with random weights."""
    folder = str(tmp_path_factory.mktemp("soundnet5"))
    network = student.SoundNet5(object_classes=2, scene_classes=None)
    checkpoint.save_student(folder, network, {"objects": ("dog", "rain")})
    return folder


def noise(sounds, samples, seed=0):
    rng = np.random.default_rng([samples, seed])
    return rng.uniform(-0.5, 0.5, (sounds, samples)).astype(np.float32)


def keras_steps(network, audio, layer):
    return keras.Model(network.input, network.get_layer(layer).output)(audio).numpy()


def expected_at(steps, point, millis):
    """numpy's own interpolation, steps [n_sounds, steps, channels] at their centres."""
    centres = 1000 * point.centre_secs(np.arange(steps.shape[1]))
    return np.apply_along_axis(lambda values: np.interp(millis, centres, values), 1, steps)


def test_sizes_names_and_types(model):
    """Of 5 s: conv4's centres lie at -12.40 + 46.44 i ms, so i = 1 … 107 lie within the sound."""
    assert isinstance(model, tf.Module)
    sizes = model.sample_rate, model.timestamp_embedding_size, model.scene_embedding_size
    assert sizes == (22050, 128 + 64 + 256, 2 * 256)
    assert all(type(size) is int for size in sizes)
    audio = tf.constant(noise(3, 5 * SECOND))
    embeddings, timestamps = hear.get_timestamp_embeddings(audio, model)
    scenes = hear.get_scene_embeddings(audio, model)
    assert (embeddings.shape, timestamps.shape, scenes.shape) == ((3, 107, 448), (3, 107), (3, 512))
    assert embeddings.dtype == timestamps.dtype == scenes.dtype == tf.float32
    assert all(tf.is_tensor(tensor) for tensor in (embeddings, timestamps, scenes))


@pytest.mark.parametrize("samples", [SECOND, 23_594, 43_659, 88_200, 100_001, 1_500_001])
def test_timestamps_are_regular_and_within_the_sound(model, samples):
    """Every 1024 samples, from less than one hop after the start to less than one before the end;
    float32 resolves 4 µs at a minute."""
    _, timestamps = hear.get_timestamp_embeddings(noise(2, samples), model)
    timestamps = timestamps.numpy()
    np.testing.assert_array_equal(timestamps[0], timestamps[1])
    hop = 1000 * 1024 / SECOND
    assert hop <= 50
    np.testing.assert_allclose(np.diff(timestamps), hop, atol=0.02)
    assert 0 <= timestamps.min() < hop
    assert 1000 * samples / SECOND - hop < timestamps.max() <= 1000 * samples / SECOND


@pytest.mark.parametrize("at", np.linspace(SECOND, 1.3 * SECOND, 13, dtype=int))
def test_timestamps_are_the_centres_of_what_is_heard(model, at):
    """A click changes the embeddings whose receptive field of 373 ms has it, no others. The
    change centres on the click up to 15 ms, since kernels are not symmetric; the hop is 46 ms."""
    clock = hear.Model(model.network, ["conv4"], ["pool5"])
    audio = np.zeros((2, 3 * SECOND), np.float32)
    audio[1, at] = 1.0
    embeddings, timestamps = map(np.asarray, hear.get_timestamp_embeddings(audio, clock))
    distance = timestamps[0] - 1000 * at / SECOND
    change = np.abs(embeddings[1] - embeddings[0]).sum(axis=-1)
    field = 1000 * SOUNDNET8.endpoints["conv4"].receptive_field_secs
    # Rows of a batch may differ by rounding: not every processor computes them alike.
    assert np.abs(distance[change > 1e-5 * change.max()]).max() <= field / 2
    assert np.abs(distance[change.argmax()]) < 40
    assert abs((change * distance).sum() / change.sum()) < 15


def test_embeddings_are_those_of_the_keras_student(model):
    network, audio = student.SoundNet8(weights="published"), noise(2, 4 * SECOND)
    embeddings, timestamps = hear.get_timestamp_embeddings(audio, model)
    expected = [
        expected_at(keras_steps(network, audio, layer), SOUNDNET8.endpoints[layer], timestamps[0])
        for layer in ("conv4", "conv3", "pool5")
    ]
    expected = np.concatenate(expected, axis=-1)
    np.testing.assert_allclose(embeddings, expected, rtol=0, atol=1e-4 * expected.max())
    pool5 = keras_steps(network, audio, "pool5")
    expected = np.concatenate([pool5.mean(axis=1), pool5.std(axis=1)], axis=-1)
    scenes = hear.get_scene_embeddings(audio, model)
    np.testing.assert_allclose(scenes, expected, rtol=0, atol=1e-4 * expected.max())


def test_other_layers_keep_their_order(model):
    """The first layer's steps stand as they are: conv3's, whose first centre is before 0."""
    network, audio = student.SoundNet8(weights="published"), noise(1, SECOND)
    other = hear.load_model(timestamp_layers=("conv3",), scene_layers=("conv6", "conv5"))
    embeddings, _ = hear.get_timestamp_embeddings(audio, other)
    conv3 = keras_steps(network, audio, "conv3")
    np.testing.assert_allclose(embeddings, conv3[:, 1:44], rtol=0, atol=1e-4 * conv3.max())
    steps = [keras_steps(network, audio, layer) for layer in ("conv6", "conv5")]
    expected = [x.mean(axis=1) for x in steps] + [x.std(axis=1) for x in steps]
    scenes = hear.get_scene_embeddings(audio, other)
    np.testing.assert_allclose(scenes, np.concatenate(expected, axis=-1), rtol=1e-3, atol=1e-3)
    assert (other.timestamp_embedding_size, other.scene_embedding_size) == (64, 2 * (512 + 256))


@pytest.mark.parametrize("sounds, secs", [(3, 2.5), (13, 5.0), (2, 61.0)])
def test_a_batch_gives_what_each_sound_gives_alone(model, sounds, secs):
    """13 sounds of 5 s run in two groups, sounds of 61 s in pieces."""
    audio = noise(sounds, round(secs * SECOND))
    alone = [hear.get_timestamp_embeddings(audio[i : i + 1], model)[0] for i in range(sounds)]
    embeddings, _ = hear.get_timestamp_embeddings(audio, model)
    np.testing.assert_allclose(embeddings, np.concatenate(alone), rtol=0, atol=1e-4)
    alone = [hear.get_scene_embeddings(audio[i : i + 1], model) for i in range(sounds)]
    scenes = hear.get_scene_embeddings(audio, model)
    np.testing.assert_allclose(scenes, np.concatenate(alone), rtol=0, atol=1e-4)


def test_long_sound_in_pieces_gives_what_the_whole_gives(model, monkeypatch):
    audio = noise(2, 10 * SECOND)
    monkeypatch.setattr(hear.Model, "_stream", None)
    whole = [*hear.get_timestamp_embeddings(audio, model), hear.get_scene_embeddings(audio, model)]
    monkeypatch.undo()
    monkeypatch.setattr(hear.Model, "_run", None)
    monkeypatch.setattr(hear, "_PIECE_SAMPLES", 50_000)
    parts = [*hear.get_timestamp_embeddings(audio, model), hear.get_scene_embeddings(audio, model)]
    for part, expected in zip(parts, whole, strict=True):
        np.testing.assert_allclose(part, expected, rtol=0, atol=1e-5 * np.max(expected))


def test_the_same_numbers_every_time(model):
    audio = noise(2, 2 * SECOND)
    for function in (hear.get_timestamp_embeddings, hear.get_scene_embeddings):
        first, second, reloaded = (function(audio, m) for m in (model, model, hear.load_model()))
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[0], reloaded[0])


@pytest.mark.parametrize("samples, stamps", [(1, 0), (700, 0), (2205, 2), (4573, 4)])
def test_sound_shorter_than_the_layers_need_is_looped(model, samples, stamps):
    """pool5 needs 4574 samples; conv4's centres within 0.1 s are at 34 and 80 ms, within 0.207 s
    also at 127 and 173 ms; none within 0.032 s."""
    audio = noise(2, samples)
    looped = np.stack([np.resize(waveform, 4574) for waveform in audio])
    embeddings, timestamps = hear.get_timestamp_embeddings(audio, model)
    assert (embeddings.shape, timestamps.shape) == ((2, stamps, 448), (2, stamps))
    of_looped, _ = hear.get_timestamp_embeddings(looped, model)
    np.testing.assert_array_equal(embeddings, of_looped[:, :stamps])
    scenes = hear.get_scene_embeddings(audio, model)
    np.testing.assert_array_equal(scenes, hear.get_scene_embeddings(looped, model))


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_other_floats_are_taken(model, dtype):
    audio = noise(1, SECOND).astype(dtype)
    scenes = hear.get_scene_embeddings(audio, model)
    assert scenes.dtype == tf.float32
    np.testing.assert_array_equal(scenes, hear.get_scene_embeddings(np.float32(audio), model))


@pytest.mark.parametrize("function", [hear.get_timestamp_embeddings, hear.get_scene_embeddings])
@pytest.mark.parametrize(
    "audio, message",
    [
        (np.zeros(SECOND, np.float32), r"shape \[22050\]; give \[n_sounds, n_samples\]"),
        (np.zeros((1, SECOND, 1), np.float32), r"shape \[1, 22050, 1\]"),
        (np.zeros((0, SECOND), np.float32), r"shape \[0, 22050\]"),
        (np.zeros((2, 0), np.float32), r"shape \[2, 0\]"),
        (np.zeros((2, SECOND), np.int16), "int16; give floats"),
        (np.full((1, SECOND), np.nan, np.float32), "NaN or infinite samples, the first at 0, 0"),
        (np.full((1, SECOND), -np.inf, np.float32), "NaN or infinite samples"),
        (np.eye(1, SECOND, 7, dtype=np.float32) * -8.5, "reaches 8.5, where full scale is 1"),
    ],
)
def test_audio_that_is_refused(model, function, audio, message):
    with pytest.raises(ValueError, match=message):
        function(tf.constant(audio), model)


@pytest.mark.parametrize("which", ["timestamp_layers", "scene_layers"])
@pytest.mark.parametrize("layers", [("conv4", "conv9"), ("scenes",), ()])
def test_layers_that_the_trunk_does_not_have(model, which, layers):
    with pytest.raises(ValueError, match="name one or more of .*'pool5', 'conv6', 'conv7'"):
        hear.load_model(**{which: layers})


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing is no trained SoundNet"):
        hear.load_model(str(tmp_path / "nothing"))


def test_soundnet5_from_a_folder(soundnet5):
    """conv3's centres lie at -0.79 + 23.22 i ms: i = 1 … 64 lie within 1.5 s."""
    model, audio = hear.load_model(soundnet5), noise(2, round(1.5 * SECOND))
    network, _ = checkpoint.load_student(soundnet5)
    embeddings, timestamps = hear.get_timestamp_embeddings(audio, model)
    np.testing.assert_allclose(timestamps[1], 1000 * (512 * np.arange(1, 65) - 17.5) / SECOND)
    conv3, conv4 = (keras_steps(network, audio, layer) for layer in ("conv3", "conv4"))
    conv4 = expected_at(conv4, SOUNDNET5.endpoints["conv4"], timestamps[0])
    expected = np.concatenate([conv3[:, 1:65], conv4], axis=-1)
    np.testing.assert_allclose(embeddings, expected, rtol=0, atol=1e-4 * expected.max())
    assert hear.get_scene_embeddings(audio, model).shape == (2, model.scene_embedding_size)
    assert (model.timestamp_embedding_size, model.scene_embedding_size) == (128 + 256, 2 * 256)


_TWENTY_MINUTES = """
import resource
import numpy as np
from soundnet_tf import hear
model = hear.load_model()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
audio = np.random.default_rng(0).random((1, 20 * 60 * 22050), np.float32) - 0.5
embeddings, timestamps = hear.get_timestamp_embeddings(audio, model)
scenes = hear.get_scene_embeddings(audio, model)
assert embeddings.shape == (1, 25840, 448) and np.isfinite(scenes).all(), embeddings.shape
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
def test_twenty_minutes_take_less_than_a_gigabyte(model):
    """HEAR allows 16 GB. Sound and embeddings are 106 and 46 MB, each there a few times over;
    conv1 of the whole would be 847 MB, and so would its padded input. The last of conv4's centres
    within 1.2e6 ms is (1.2e6 + 12.4) / 46.4399 = 25840.1."""
    done = subprocess.run(
        [sys.executable, "-c", _TWENTY_MINUTES], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) * 1024 < 1e9
