"""Penultimate features of teachers: what their last layer with weights is given."""

import keras
import numpy as np
import pytest
import small_vision
import tensorflow as tf
from small_vision import SIZE, random_frames, small_network

from soundnet_tf.models.teachers import places
from soundnet_tf.models.teachers.teacher import Teacher, load_teacher


def write_labels(path, classes):
    path.with_name(path.name + ".labels.txt").write_text("".join(f"{k}\n" for k in range(classes)))


def load_saved(network, path):
    network.save(path)
    write_labels(path, network.output_shape[-1])
    return load_teacher(f"file:{path}")


def by_hand(features, kernel, bias):
    """A softmax layer."""
    powers = np.exp(features @ kernel + bias)
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("is_softmax", [True, False], ids=["probabilities", "scores"])
def test_the_last_layer_makes_the_posteriors_of_them(tmp_path, is_softmax):
    """Also when a softmax had to be added behind it, and dropout stands before it."""
    teacher = load_teacher(f"file:{small_vision.save(tmp_path, is_softmax=is_softmax)}")
    frames = random_frames()
    features = teacher.features(frames)
    assert features.dtype == tf.float32
    assert features.shape == (2, 3, 8)
    last = small_network(is_softmax=is_softmax).layers[-1]
    posteriors = by_hand(features.numpy(), last.kernel.numpy(), last.bias.numpy())
    np.testing.assert_allclose(posteriors, teacher(frames), atol=1e-6)


def test_they_are_the_mean_of_a_frame_where_the_teacher_takes_that(tmp_path):
    """Of one Dense layer on the mean colour, the features are the mean colour."""
    inputs = keras.Input((SIZE, SIZE, 3))
    mean = keras.layers.GlobalAveragePooling2D()(inputs)
    network = keras.Model(inputs, keras.layers.Dense(4, activation="softmax")(mean))
    teacher = load_saved(network, tmp_path / "mean.keras")
    frames = random_frames()
    np.testing.assert_allclose(teacher.features(frames), frames.mean(axis=(2, 3)), atol=1e-3)


def test_maps_are_averaged_over_space(tmp_path):
    """A network whose last layer with weights is a 1 x 1 convolution, which averages after it: on
    the input itself the features are the mean colour."""
    inputs = keras.Input((SIZE, SIZE, 3))
    scores = keras.layers.Conv2D(4, 1)(inputs)
    outputs = keras.layers.Softmax()(keras.layers.GlobalAveragePooling2D()(scores))
    teacher = load_saved(keras.Model(inputs, outputs), tmp_path / "convolutional.keras")
    frames = random_frames()
    features = teacher.features(frames)
    assert features.shape == (2, 3, 3)
    np.testing.assert_allclose(features, frames.mean(axis=(2, 3)), atol=1e-3)


@pytest.mark.parametrize("is_sequential", [True, False])
def test_a_head_inside_of_a_nested_network(tmp_path, is_sequential):
    """What lies before the nested network counts: here frames are halved first."""
    nested = small_network(classes=4)
    inputs = keras.Input((SIZE, SIZE, 3))
    halved = keras.layers.Rescaling(0.5)
    if is_sequential:
        network = keras.Sequential([inputs, halved, nested])
    else:
        network = keras.Model(inputs, nested(halved(inputs)))
    teacher = load_saved(network, tmp_path / "nested.keras")
    frames = random_frames()
    features = teacher.features(frames).numpy()
    last = nested.layers[-1]
    posteriors = by_hand(features, last.kernel.numpy(), last.bias.numpy())
    np.testing.assert_allclose(posteriors, teacher(frames), atol=1e-6)
    pictures = (frames / 2).reshape(-1, SIZE, SIZE, 3).astype(np.float32)
    expected = keras.Sequential(nested.layers[:-1]).predict(pictures, verbose=0)
    np.testing.assert_allclose(features.reshape(-1, 8), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "last", "channels"),
    [("MobileNetV2", "predictions", 1280), ("MobileNetV3Small", "logits", 1024)],
)
def test_keras_applications(tmp_path, name, last, channels):
    """Of the network itself: what the layer is given that makes its scores, told by its name."""
    network = getattr(keras.applications, name)(weights=None)
    network.save_weights(tmp_path / "random.weights.h5")
    teacher = load_teacher(f"keras:{name}@{tmp_path / 'random.weights.h5'}")
    frames = random_frames(1, 2, 224)
    pictures = frames[0].astype(np.float32)
    if name == "MobileNetV2":
        pictures = pictures / 127.5 - 1
    expected = keras.Model(network.input, network.get_layer(last).input)(pictures, training=False)
    expected = expected.numpy().reshape(2, channels)
    assert expected.std() > 0
    features = teacher.features(frames)
    assert features.shape == (1, 2, channels)
    np.testing.assert_allclose(features[0], expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_networks_of_places():
    """ResNet18's last layer makes the posteriors of 512 features, VGG16's of 4096; that one hides
    in a nested model behind its own preprocessing."""
    for model, network, last, channels in (
        (resnet := places.ResNet("resnet18"), resnet, "fc", 512),
        (vgg := places.VGG16(), vgg.get_layer("vgg16"), "predictions", 4096),
    ):
        teacher = Teacher("places", "places", model, 224, ("scene",) * 365, "0" * 16)
        frames = random_frames(1, 2, 224)
        features = teacher.features(frames).numpy()
        assert features.shape == (1, 2, channels) and features.std() > 0
        last = network.get_layer(last)
        kernel = np.random.default_rng(0).normal(size=last.kernel.shape)
        last.kernel.assign(kernel / np.linalg.norm(features[0, 0]))
        posteriors = by_hand(features, last.kernel.numpy(), last.bias.numpy())
        np.testing.assert_allclose(teacher(frames), posteriors, atol=1e-4)


def test_eagerly_in_a_graph_of_any_shape_and_in_a_dataset(tmp_path):
    teacher = load_teacher(f"file:{small_vision.save(tmp_path)}")
    frames = random_frames(size=20)
    dataset = tf.data.Dataset.from_tensor_slices(frames).batch(1).map(teacher.features)
    assert dataset.element_spec.shape.as_list() == [None, 3, 8]
    signature = [tf.TensorSpec([None] * 4 + [3], tf.uint8)]
    graph = tf.function(teacher.features, input_signature=signature)(frames)
    eager = teacher.features(frames)
    np.testing.assert_allclose(graph, eager, atol=1e-6)
    np.testing.assert_allclose(np.concatenate(list(dataset)), eager, atol=1e-6)


def test_float32_under_a_mixed_policy(tmp_path):
    """With resized frames, since bfloat16 holds all whole numbers up to 256."""
    path, frames = small_vision.save(tmp_path), random_frames(size=20)
    expected = load_teacher(f"file:{path}").features(frames)
    keras.config.set_dtype_policy("mixed_bfloat16")
    features = load_teacher(f"file:{path}").features(frames)
    assert features.dtype == tf.float32
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-6)


def test_asking_for_features_changes_nothing(tmp_path):
    path = small_vision.save(tmp_path)
    teacher, frames = load_teacher(f"file:{path}"), random_frames()
    posteriors = teacher(frames).numpy()
    teacher.features(frames)
    np.testing.assert_array_equal(teacher(frames), posteriors)
    assert not teacher.model.trainable_weights


def test_other_frames_are_refused(tmp_path):
    teacher = load_teacher(f"file:{small_vision.save(tmp_path)}")
    with pytest.raises(ValueError, match=r"square uint8 RGB frames .* got float32"):
        teacher.features(np.zeros((1, 1, SIZE, SIZE, 3), np.float32))


def test_a_saved_model_has_no_layers_to_show(tmp_path):
    small_network().export(tmp_path / "saved", verbose=False)
    teacher = load_teacher(f"file:{tmp_path / 'saved'}")
    message = r"file:\S+/saved does not show its layers, so it has no features to give"
    with pytest.raises(ValueError, match=message):
        teacher.features(random_frames())


def test_the_squeezenet_of_places(shared):
    """512 channels, and the file's own last convolution makes the posteriors of their map."""
    path = shared / "teachers/squeezenet_places365.keras"
    teacher = load_teacher(f"file:{path}")
    network = keras.saving.load_model(path)
    last = [layer for layer in network.layers if layer.weights][-1]
    assert type(last).__name__ == "Conv2D" and last.output.shape[-1] == 365
    frames = random_frames(1, 2, 224)
    inner = keras.Model(network.input, last.input)
    expected = inner(frames[0].astype(np.float32)).numpy().mean(axis=(1, 2))
    assert expected.shape == (2, 512)
    np.testing.assert_allclose(teacher.features(frames)[0], expected, rtol=1e-4, atol=1e-5)
