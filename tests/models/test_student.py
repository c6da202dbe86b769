"""The student's shapes, counts, initial weights and receptive fields."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from soundnet_tf.models import architecture, student

SECOND = 22050


@pytest.fixture(scope="module")
def soundnet8():
    keras.utils.set_random_seed(0)
    return student.SoundNet8()


def test_soundnet8_has_the_published_number_of_weights(soundnet8):
    """Goldens of the released network: with moving means and variances 14 356 777."""
    trainable = sum(int(np.prod(v.shape)) for v in soundnet8.trainable_variables)
    assert trainable == 14_352_713
    assert soundnet8.count_params() == 14_356_777


def test_soundnet5_has_the_counts_of_its_table():
    """conv k x in x out + out, batch norm 4 x out: 64x1x32 + 32x32x64 + 16x64x128 + 8x128x256
    kernels, heads 16 x 256 x 1401, biases 32 + 64 + 128 + 256 + 1401, norms 4 x 480."""
    kernels = 64 * 32 + 32 * 32 * 64 + 16 * 64 * 128 + 8 * 128 * 256 + 16 * 256 * 1401
    biases = 32 + 64 + 128 + 256 + 1401
    assert student.SoundNet5().count_params() == kernels + biases + 4 * 480


@pytest.mark.parametrize("build", [student.SoundNet8, student.SoundNet5])
def test_every_endpoint_has_the_tables_length_and_channels(build):
    model = build()
    points = student.endpoints(model)
    taps = keras.Model(model.input, {n: model.get_layer(n).output for n in points})
    samples = 12 * SECOND + 17
    outputs = taps(np.zeros((1, samples), np.float32))
    table = student.architecture_of(model)
    heads = student.heads_of(model)
    for name, point in points.items():
        length = table.output_length("heads" if name in heads else name, samples)
        assert outputs[name].shape == (1, length, heads.get(name, point.channels))


def test_initial_weights_follow_the_released_code(soundnet8):
    """Kernels N(0, 0.01), gammas N(1, 0.02), all biases and betas 0."""
    kernel = soundnet8.get_layer("conv7_conv").kernel.numpy()
    assert kernel.std() == pytest.approx(0.01, rel=0.01)
    assert abs(kernel.mean()) < 1e-4
    norm = soundnet8.get_layer("conv7_bn")
    assert norm.gamma.numpy().std() == pytest.approx(0.02, rel=0.1)
    assert norm.gamma.numpy().mean() == pytest.approx(1.0, abs=0.003)
    assert not norm.beta.numpy().any() and not soundnet8.get_layer("objects").bias.numpy().any()
    assert norm.epsilon == 1e-5 and norm.momentum == 0.9


def test_input_scale_is_256_once():
    """An impulse of height 1 gives 256 times conv1's kernel, reversed in time."""
    model = student.SoundNet8()
    conv1 = keras.Model(model.input, model.get_layer("conv1_conv").output)
    impulse = np.zeros((1, 4096), np.float32)
    impulse[0, 2048] = 1.0
    kernel = model.get_layer("conv1_conv").kernel.numpy()[:, 0]
    # Output j sees samples 2j - 32 ... 2j + 31 (stride 2, padding 32): tap 2080 - 2j.
    output = conv1(impulse).numpy()[0]
    for j in range(1010, 1035):
        np.testing.assert_allclose(output[j], 256 * kernel[2080 - 2 * j], rtol=1e-5)


@pytest.mark.parametrize("name", ["pool2", "conv4", "pool5", "conv7", "objects"])
def test_receptive_field_is_what_a_step_hears(name):
    """A middle step hears nothing outside its field, and something in the outer tenth of either
    end. All kernels are positive, so louder sound within earshot must show."""
    model = student.SoundNet8(object_classes=3, scene_classes=None)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv1D):
            layer.set_weights([np.full_like(w, 1e-2) for w in layer.get_weights()])
    point = student.endpoints(model)[name]
    tap = keras.Model(model.input, model.get_layer(name).output)
    quiet = np.random.default_rng(0).uniform(0.1, 0.2, 30 * SECOND).astype(np.float32)
    table_name = "heads" if name == "objects" else name
    step = architecture.SOUNDNET8.output_length(table_name, quiet.size) // 2
    first = point.start_samples + step * point.hop_samples
    end = first + point.receptive_field_samples
    tenth = point.receptive_field_samples // 10

    def hears(start, stop):
        louder = quiet.copy()
        louder[start:stop] += 0.5
        before, after = tap(quiet[None])[0, step].numpy(), tap(louder[None])[0, step].numpy()
        return not np.array_equal(before, after)

    assert not hears(0, first) and not hears(end, quiet.size)
    assert hears(first, first + tenth) and hears(end - tenth, end)


def test_include_top_false_ends_at_conv7(soundnet8):
    trunk = student.SoundNet8(include_top=False)
    assert trunk.output.name == trunk.get_layer("conv7").output.name
    assert student.heads_of(trunk) == {}
    assert student.heads_of(soundnet8) == {"objects": 1000, "scenes": 401}


def test_heads_can_be_chosen():
    model = student.SoundNet8(object_classes=None, scene_classes=365)
    assert student.heads_of(model) == {"scenes": 365}
    with pytest.raises(ValueError, match="include_top=False"):
        student.SoundNet8(object_classes=None, scene_classes=None)


def test_softmax_gives_probabilities():
    model = student.SoundNet5(classifier_activation="softmax")
    output = model(np.random.default_rng(0).uniform(-1, 1, (2, 3 * SECOND)).astype(np.float32))
    for head in ("objects", "scenes"):
        np.testing.assert_allclose(output[head].numpy().sum(-1), 1.0, rtol=1e-5)


def test_batch_equals_single_and_eager_equals_graph(soundnet8):
    waveforms = np.random.default_rng(1).uniform(-1, 1, (3, 10 * SECOND)).astype(np.float32)
    together = soundnet8(waveforms)["objects"].numpy()
    single = np.concatenate([soundnet8(w[None])["objects"].numpy() for w in waveforms])
    graph = tf.function(soundnet8)(waveforms)["objects"].numpy()
    np.testing.assert_allclose(together, single, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(together, graph, rtol=1e-4, atol=1e-5)


def test_saved_weights_load_again(tmp_path, soundnet8):
    path = str(tmp_path / "student.weights.h5")
    soundnet8.save_weights(path)
    again = student.SoundNet8(weights=path)
    for before, after in zip(soundnet8.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_published_weights_are_for_soundnet8_only():
    with pytest.raises(ValueError, match="SoundNet8 only"):
        student.SoundNet5(weights="published")


class TestDecodePredictions:
    def test_names_in_falling_order(self):
        row = np.zeros(1000)
        row[[0, 1, 2]] = 0.2, 0.5, 0.3
        assert student.decode_predictions(row, top=2) == [
            [("goldfish, Carassius auratus", 0.5), (GREAT_WHITE, 0.3)]
        ]

    def test_steps_are_averaged(self):
        steps = np.array([[[1.0, 0.0], [0.5, 0.5]]])
        assert student.decode_predictions(steps, names=("a", "b")) == [[("a", 0.75), ("b", 0.25)]]

    def test_logits_are_refused(self):
        with pytest.raises(ValueError, match="logits"):
            student.decode_predictions(np.full((1, 1000), -3.0))

    @pytest.mark.parametrize("shape", [(0, 1000), (1, 0, 1000), (0,), (1, 1, 1, 1000)])
    def test_no_steps_are_named_as_such(self, shape):
        with pytest.raises(ValueError, match=r"of shape \[.*of one step at least"):
            student.decode_predictions(np.ones(shape) / 1000)

    def test_nan_is_named_as_such(self):
        with pytest.raises(ValueError, match="NaN or infinite; the sound had such samples"):
            student.decode_predictions(np.full((1, 1000), np.nan))

    def test_names_must_fit(self):
        with pytest.raises(ValueError, match="2 names for 3 classes"):
            student.decode_predictions(np.ones((1, 3)) / 3, names=("a", "b"))


GREAT_WHITE = "great white shark, white shark, man-eater, man-eating shark, Carcharodon carcharias"


class TestPreprocessInput:
    def test_scales_integers_averages_channels_and_resamples(self):
        """A 441 Hz sine of int16 at 44.1 kHz in one of two channels: half as high at 22.05 kHz."""
        seconds = np.arange(44100) / 44100
        left = np.round(16384 * np.sin(2 * np.pi * 441 * seconds)).astype(np.int16)
        stereo = np.stack([left, np.zeros_like(left)], axis=1)
        before = stereo.copy()
        waveform = student.preprocess_input(stereo, 44100)
        expected = 0.25 * np.sin(2 * np.pi * 441 * np.arange(22050) / 22050)
        assert waveform.dtype == np.float32 and waveform.shape == (22050,)
        np.testing.assert_allclose(waveform[500:-500], expected[500:-500], atol=1e-3)
        np.testing.assert_array_equal(stereo, before)

    def test_first_channel(self):
        stereo = np.stack([np.full(100, 0.5), np.full(100, -0.5)], axis=1)
        np.testing.assert_allclose(student.preprocess_input(stereo, 22050, "first"), 0.5)

    @pytest.mark.parametrize("dtype", ["uint8", "int16", "int32"])
    def test_integers_are_scaled_by_their_type(self, dtype):
        """Half of full scale is 0.5, whatever the type; silence of unsigned bytes is 128."""
        half = {"uint8": 192, "int16": 2**14, "int32": 2**30}[dtype]
        waveform = student.preprocess_input(np.full(10, half, dtype), 22050)
        np.testing.assert_array_equal(waveform, np.full(10, 0.5, np.float32))

    def test_float64_and_lists_of_numbers(self):
        waveform = student.preprocess_input([0.5, -0.5, 0.25], 22050)
        assert waveform.dtype == np.float32 and waveform.tolist() == [0.5, -0.5, 0.25]

    @pytest.mark.parametrize(
        ("waveform", "rate", "message"),
        [
            (np.zeros(10), None, "sample_rate is missing; give that of the sound in Hz, 22050 if"),
            (np.zeros(10), 0, "sample rate is 0; it must be a positive number of Hz"),
            (np.zeros((2, 441)), 22050, r"float64 \[2, 441\].*transpose"),
            (np.zeros((2, 44, 1)), 22050, r"float64 \[2, 44, 1\].*several sounds as a list"),
            (np.float32(1), 22050, r"float32 \[\]"),
            (np.array(["a"]), 22050, r"<U1 \[1\]; give floats or integers"),
            (np.array([0, 1j]), 22050, r"complex128 \[2\]"),
            (np.array([0, 0.5, np.nan, 1]), 22050, "NaN or infinite samples, the first at 2"),
            (np.array([[0, 0], [0, -np.inf]]), 22050, "NaN or infinite samples, the first at 1"),
            (np.array([0, -20000.0]), 22050, "reaches 20000, where full scale is 1; divide"),
        ],
    )
    def test_unfit_sound_is_refused_with_the_remedy(self, waveform, rate, message):
        with pytest.raises(ValueError, match=message):
            student.preprocess_input(waveform, rate)

    def test_a_little_over_full_scale_is_clipped(self):
        assert student.preprocess_input([1.5, -3.0], 22050).tolist() == [1.0, -1.0]
