"""The SavedModel in programs that do not have soundnet_tf: each way of loading it in a process that
refuses to import the package."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from soundnet_tf import labels
from soundnet_tf.models import student
from soundnet_tf.serving.export import run as export

PREAMBLE = """
import os, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "soundnet_tf":
            raise ImportError("soundnet_tf is not here")
sys.meta_path.insert(0, Refuse())
import numpy as np
FOLDER, OUT = sys.argv[1:]
waveform = np.load(OUT + ".in.npy")
"""

PLAIN = """
import tensorflow as tf
model = tf.saved_model.load(FOLDER)
outputs = model(waveform)
"""

HUB = """
import tensorflow_hub as hub
outputs = hub.load(FOLDER)(waveform)
"""

TFSM = """
import keras
layer = keras.layers.TFSMLayer(FOLDER, call_endpoint="serving_default")
inputs = keras.Input((None,), dtype="float32")
outputs = keras.Model(inputs, layer(inputs)).predict(waveform, verbose=0)
"""

SAVE = """
np.savez(OUT, **{name: np.asarray(value) for name, value in outputs.items()})
assert not [name for name in sys.modules if name.startswith("soundnet_tf")]
"""

FINE_TUNE = """
os.environ["TF_USE_LEGACY_KERAS"] = "1"
import tensorflow as tf, tensorflow_hub as hub, tf_keras
tf_keras.utils.set_random_seed(1)
layer = hub.KerasLayer(FOLDER, trainable=True)
inputs = tf_keras.Input((None,), dtype=tf.float32)
answer = tf_keras.layers.Dense(2, activation="softmax")(layer(inputs)["embedding"])
model = tf_keras.Model(inputs, answer)
names = [w.name for w in layer.weights]
before = [w.numpy() for w in layer.weights]
heard_before = layer(waveform)["embedding"].numpy()
model.compile(tf_keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
history = model.fit(waveform, np.array([0, 1]), epochs=4, batch_size=2, verbose=0)
moved = [name for name, w, old in zip(names, layer.weights, before) if not (w == old).numpy().all()]
trainable = [w.name for w in layer.trainable_weights]
outputs = {
    "losses": history.history["loss"], "names": names, "moved": moved, "trainable": trainable,
    "embedding_moved": np.abs(layer(waveform)["embedding"] - heard_before).max(),
}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The published network where its file is installed, as in CI; its form without it."""
    target = str(tmp_path_factory.mktemp("elsewhere") / "soundnet")
    names = {"objects": labels.load("imagenet_1000"), "scenes": labels.load("places2_401")}
    try:
        network = student.SoundNet8(weights="published")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    export.export(network, names, target, ("savedmodel",))
    return target


@pytest.fixture(scope="module")
def waveform():
    return np.random.default_rng(2).uniform(-0.4, 0.4, (2, 14 * 22050)).astype(np.float32)


def run(script, folder, waveform, out):
    np.save(f"{out}.in.npy", waveform)
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + script + SAVE, folder, str(out)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return np.load(f"{out}.npz")


@pytest.mark.parametrize("script", [PLAIN, HUB, TFSM], ids=["tf.saved_model", "hub", "TFSMLayer"])
def test_outputs_are_the_students(folder, waveform, tmp_path, script):
    outputs = run(script, folder, waveform, tmp_path / "out")
    logits = student.SoundNet8(weights="published")(waveform)
    assert outputs["embedding"].shape == (2, 256)
    for head, classes in {"objects": 1000, "scenes": 401}.items():
        assert outputs[head].shape == (2, 2, classes)
        np.testing.assert_allclose(outputs[head], tf.nn.softmax(logits[head]), atol=1e-5)


def test_hub_keras_layer_fine_tunes_it(folder, waveform, tmp_path):
    """Under tf_keras: every weight up to the embedding moves (of the heads and what comes after
    pool5 none, since nothing depends on it), batch statistics of those layers too."""
    outputs = run(FINE_TUNE, folder, waveform, tmp_path / "out")
    assert outputs["losses"][-1] < outputs["losses"][0]
    moved = set(outputs["moved"])
    for conv in ("conv1", "conv2", "conv3", "conv4", "conv5"):
        for variable in ("kernel", "gamma", "beta", "moving_mean", "moving_variance"):
            assert any(conv in name and variable in name for name in moved), (conv, variable)
    assert len(outputs["trainable"]) == 7 * 4 + 2 * 2
    assert len(outputs["names"]) == 7 * 6 + 2 * 2
    assert outputs["embedding_moved"] > 1e-3


def test_a_serving_request_fits_the_signature(folder):
    """TensorFlow Serving answers POST /v1/models/soundnet:predict with {"instances": [...]} when
    each input and output of the signature has the batch first, and with {"inputs": {...}} always;
    JSON numbers become the signature's float32. The two bodies below are built into the tensors
    that the server would make of them, and the answers must serialise to JSON."""
    loaded = tf.saved_model.load(folder)
    signature = loaded.signatures["serving_default"]
    _, inputs = signature.structured_input_signature
    assert {n: (s.shape.as_list(), s.dtype) for n, s in inputs.items()} == {
        "waveform": ([None, None], tf.float32)
    }
    shapes = {n: s.shape.as_list() for n, s in signature.structured_outputs.items()}
    assert shapes == {
        "embedding": [None, 256],
        "objects": [None, None, 1000],
        "scenes": [None, None, 401],
    }
    sound = [[0.1, -0.2, 0.05] * 2000] * 2
    columns = json.loads(json.dumps({"signature_name": "serving_default", "inputs": sound}))
    rows = json.loads(json.dumps({"instances": sound}))
    answers = [
        signature(waveform=tf.constant(body, tf.float32))
        for body in (columns["inputs"], rows["instances"])
    ]
    for name in shapes:
        assert all(len(answer[name]) == 2 for answer in answers)
        json.dumps(answers[0][name].numpy().tolist())
        np.testing.assert_array_equal(answers[0][name], answers[1][name])


def test_the_signature_is_what_serving_calls_predict(folder):
    from tensorflow.core.protobuf import saved_model_pb2

    with open(f"{folder}/saved_model.pb", "rb") as file:
        graph = saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs[0]
    assert "serve" in graph.meta_info_def.tags
    assert graph.signature_def["serving_default"].method_name == "tensorflow/serving/predict"
    ops = {node.op for f in graph.graph_def.library.function for node in f.node_def}
    assert not ops & {"PyFunc", "EagerPyFunc", "PyFuncStateless"}
