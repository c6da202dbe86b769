"""The exported classifier: what the Keras model says, with names, also without soundnet_tf."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.finetuning import classifier
from soundnet_tf.finetuning.export import save_classifier
from soundnet_tf.models import pretrained, student

CLASSES = ("dog", "Möwe", "sea waves")
CLIP_SECS = 2.0
CLIP = round(CLIP_SECS * SAMPLE_RATE)

ELSEWHERE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "soundnet_tf":
            raise ImportError("soundnet_tf is not here")
sys.meta_path.insert(0, Refuse())
import numpy as np
FOLDER, OUT = sys.argv[1:]
waveform = np.load(OUT + ".in.npy")
{load}
outputs = {{name: np.asarray(value) for name, value in outputs.items()}}
outputs["label"] = [label.decode() for label in outputs["label"]]
np.savez(OUT, **outputs)
assert not [name for name in sys.modules if name.startswith("soundnet_tf")]
"""
PLAIN = "import tensorflow as tf; model = tf.saved_model.load(FOLDER); outputs = model(waveform)"
HUB = "import tensorflow_hub as hub; outputs = hub.load(FOLDER)(waveform)"


def drawn(network):
    """A network whose every variable is drawn, batch norms and biases too."""
    rng = np.random.default_rng(3)
    for variable in network.variables:
        if variable.dtype == "float32" and not variable.path.endswith("/kernel"):
            variable.assign(rng.uniform(0.8, 1.2, variable.shape))
    return network


@pytest.fixture(
    scope="module", params=[("soundnet5", ["conv4"]), ("soundnet8", ["conv3", "pool1"])]
)
def fine_tuned(request):
    name, layers = request.param
    network = drawn(student.BUILDERS[name](object_classes=2, scene_classes=None))
    found = classifier.SoundClassifier(network, len(CLASSES), layers)
    # The least weights with which each of the test's clips gets another label.
    found.mean.assign(np.linspace(-1, 1, found.mean.shape[0]))
    found.deviation.assign(np.linspace(0.5, 2, found.mean.shape[0]))
    heard = (found.hear(noise(CLIP)) - found.mean) / found.deviation
    kernel = np.linalg.pinv(heard) @ np.roll(2 * np.eye(len(CLASSES)), 1, axis=0)
    found.head.set_weights([kernel, np.array([0.3, 0.2, 0.1])])
    return found


@pytest.fixture(scope="module")
def folder(fine_tuned, tmp_path_factory):
    target = str(tmp_path_factory.mktemp("export") / "classifier")
    save_classifier(fine_tuned, CLASSES, CLIP_SECS, target)
    return target


def noise(samples, batch=3):
    """Clips of different loudness and pitch."""
    rng = np.random.default_rng(samples)
    clips = rng.uniform(-1, 1, (batch, samples)) * np.logspace(-3, -0.3, batch)[:, None]
    clips[-1] = np.cumsum(clips[-1]) / 100
    return clips.astype(np.float32)


def expected(fine_tuned, waveform):
    return keras.ops.softmax(fine_tuned(waveform)).numpy()


def test_outputs_are_those_of_the_keras_model(folder, fine_tuned):
    waveform = noise(3 * SAMPLE_RATE)
    outputs = tf.saved_model.load(folder)(waveform)
    probabilities = expected(fine_tuned, waveform)
    np.testing.assert_allclose(outputs["probabilities"], probabilities, rtol=1e-3, atol=1e-5)
    best = [CLASSES[i] for i in probabilities.argmax(axis=1)]
    assert [label.decode() for label in outputs["label"].numpy()] == best
    network, heard = fine_tuned.trunk, []
    for layer in fine_tuned.layer_names:
        steps = keras.Model(network.input, network.get_layer(layer).output)(waveform).numpy()
        heard += [steps.mean(axis=1), steps.max(axis=1)]
    heard = np.concatenate(heard, axis=1)
    np.testing.assert_allclose(outputs["embedding"], heard, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("samples", [1, 2, 1000, CLIP - 1, CLIP, CLIP + 1])
def test_shorter_sound_is_looped_to_the_clips_it_learned_from(folder, fine_tuned, samples):
    """As `sounds.waveforms.read_clips` did for training: repeated by NumPy."""
    waveform = looped = noise(samples)
    if samples < CLIP:
        looped = np.tile(waveform, (1, -(-CLIP // samples)))[:, :CLIP]
    outputs = tf.saved_model.load(folder)(waveform)
    np.testing.assert_allclose(
        outputs["probabilities"], expected(fine_tuned, looped), rtol=1e-3, atol=1e-5
    )


def test_no_sample_at_all_is_silence(folder, fine_tuned):
    outputs = tf.saved_model.load(folder)(np.zeros((2, 0), np.float32))
    silence = expected(fine_tuned, np.zeros((2, CLIP), np.float32))
    np.testing.assert_allclose(outputs["probabilities"], silence, rtol=1e-3, atol=1e-5)


def test_serving_default_equals_the_call(folder):
    loaded = tf.saved_model.load(folder)
    waveform = tf.constant(noise(CLIP))
    signature = loaded.signatures["serving_default"]
    served = signature(waveform=waveform)
    for name, value in loaded(waveform).items():
        np.testing.assert_array_equal(served[name], value)
    channels = served["embedding"].shape[1]
    assert {n: (s.shape.as_list(), s.dtype) for n, s in signature.structured_outputs.items()} == {
        "probabilities": ([None, len(CLASSES)], tf.float32),
        "label": ([None], tf.string),
        "embedding": ([None, channels], tf.float32),
    }


def test_labels_and_metadata_travel_as_assets(folder, fine_tuned):
    with tf.io.gfile.GFile(f"{folder}/assets/labels.txt") as file:
        assert tuple(file.read().splitlines()) == CLASSES
    with tf.io.gfile.GFile(f"{folder}/assets/metadata.json") as file:
        metadata = json.load(file)
    assert metadata["architecture"] == fine_tuned.trunk.name
    assert metadata["layers"] == list(fine_tuned.layer_names)
    assert (metadata["sample_rate_hz"], metadata["clip_secs"], metadata["classes"]) == (22050, 2, 3)


def test_it_trains_on_in_plain_tensorflow(folder):
    """Gradients reach every trainable variable, and what is heard follows the new weights."""
    loaded = tf.saved_model.load(folder)
    assert list(loaded.regularization_losses) == []
    moving = [v for v in loaded.variables if "moving_mean" in v.name]
    statistics = [v.numpy() for v in moving]
    before = loaded(noise(CLIP))["probabilities"].numpy()
    with tf.GradientTape() as tape:
        probabilities = loaded(noise(CLIP), training=True)["probabilities"]
        loss = -tf.reduce_mean(tf.math.log(probabilities[:, 0] + 1e-6))
    gradients = tape.gradient(loss, loaded.trainable_variables)
    assert all(g is not None and np.isfinite(g).all() for g in gradients)
    assert any(not np.array_equal(old, v) for old, v in zip(statistics, moving, strict=True))
    for variable, gradient in zip(loaded.trainable_variables, gradients, strict=True):
        variable.assign_sub(1e-2 * tf.sign(gradient))
    assert np.abs(loaded(noise(CLIP))["probabilities"] - before).max() > 1e-3


@pytest.mark.parametrize("load", [PLAIN, HUB], ids=["tf.saved_model", "hub"])
def test_it_names_the_classes_where_there_is_no_soundnet_tf(folder, fine_tuned, tmp_path, load):
    waveform = noise(CLIP)
    np.save(tmp_path / "out.in.npy", waveform)
    command = [sys.executable, "-c", ELSEWHERE.format(load=load), folder, str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    outputs = np.load(tmp_path / "out.npz")
    probabilities = expected(fine_tuned, waveform)
    np.testing.assert_allclose(outputs["probabilities"], probabilities, rtol=1e-3, atol=1e-5)
    assert list(outputs["label"]) == [CLASSES[i] for i in probabilities.argmax(axis=1)]
    assert list(outputs["label"]) == ["sea waves", "dog", "Möwe"]


def test_no_custom_ops(folder):
    from tensorflow.core.protobuf import saved_model_pb2

    with open(f"{folder}/saved_model.pb", "rb") as file:
        graph = saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs[0]
    ops = {node.op for f in graph.graph_def.library.function for node in f.node_def}
    assert not ops & {"PyFunc", "EagerPyFunc", "PyFuncStateless"}


def test_an_older_export_is_replaced(fine_tuned, tmp_path):
    folder = tmp_path / "classifier"
    save_classifier(fine_tuned, CLASSES, 1.0, str(folder))
    save_classifier(fine_tuned, ("x", "y", "z"), 1.0, str(folder))
    assert (folder / "assets" / "labels.txt").read_text() == "x\ny\nz\n"
    assert [path.name for path in tmp_path.iterdir()] == ["classifier"]


def test_names_must_fit_the_head(fine_tuned, tmp_path):
    with pytest.raises(ValueError, match="2 class names for a head of 3 classes"):
        save_classifier(fine_tuned, CLASSES[:2], 1.0, str(tmp_path / "classifier"))


def test_a_name_of_two_lines_is_no_line_of_labels(fine_tuned, tmp_path):
    """All behind it would be names of other classes."""
    for name in ("a\nb", "a\u2028b", "a\n"):
        with pytest.raises(ValueError, match="take its line break out"):
            save_classifier(fine_tuned, (name, "c", "d"), 1.0, str(tmp_path / "classifier"))
    assert not (tmp_path / "classifier").exists()


def test_it_is_no_student(folder):
    with pytest.raises(ValueError, match="is a classifier of bin/finetune.py.*saved_model.load"):
        pretrained.load(folder)


def test_a_head_needs_a_layer_of_the_trunk(fine_tuned):
    with pytest.raises(ValueError, match="no layer objects for a head; choose some of"):
        classifier.SoundClassifier(fine_tuned.trunk, 3, ["objects"])


def test_a_clip_that_is_not_finite_has_no_label(folder):
    """NaN has no greatest class; the others are named as ever, but in training all share it."""
    loaded = tf.saved_model.load(folder)
    waveform = noise(CLIP)
    usual = loaded(waveform)
    waveform[1, 1000] = np.nan
    outputs = loaded(waveform)
    assert outputs["label"][1] == b"" and np.isnan(outputs["probabilities"][1]).all()
    assert np.isnan(outputs["embedding"][1]).all()
    for i in (0, 2):
        assert outputs["label"][i] == usual["label"][i]
        np.testing.assert_array_equal(outputs["probabilities"][i], usual["probabilities"][i])
    for output in (loaded(waveform, training=True)[n] for n in ("probabilities", "embedding")):
        assert np.isnan(output).all()
