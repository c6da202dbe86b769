"""A student as a reusable SavedModel, which plain TensorFlow loads without soundnet_tf.

The object follows TF Hub's interface for reusable SavedModels: `model(waveform, training=False)`,
`variables`, `trainable_variables`, `regularization_losses`. It gives a dict:

    embedding  float32 [batch, channels], pool5 (SoundNet-5: conv4) averaged over time
    objects    float32 [batch, steps, classes], probabilities
    scenes     float32 [batch, steps, classes], probabilities

Signatures: `serving_default` gives the same; one of every endpoint's name ("conv1" … "conv7",
"objects", "scenes") gives {"output": [batch, steps, channels]}. Any length from one sample on
works: what is too short for an endpoint is looped in the graph (see `serving.short`).

The graph checks nothing: sound is to be in [-1, 1], and 16-bit numbers as floats (32768 times too
loud) give finite, wrong answers, as loud sound would. But a clip with samples that are NaN or
infinite gives NaN, in training the whole batch, whose statistics they are in.

Without training, batch norms are folded into the kernels at each call, from the variables as they
are then, so the fast form stays true after fine-tuning. With training, batch norms use and move the
batch's statistics.

    FOLDER/saved_model.pb, variables/
    FOLDER/assets/objects.txt, scenes.txt    class names, one a line, in output order
    FOLDER/assets/metadata.json              sample rate, endpoints with their hops, versions
"""

import os
import tempfile

import keras
import tensorflow as tf

from soundnet_tf import constants
from soundnet_tf.files import atomic
from soundnet_tf.models import checkpoint, pretrained
from soundnet_tf.models import student as students
from soundnet_tf.models.finite import batch_zero_or_nan
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.models.keras_settings import standard_settings
from soundnet_tf.serving import short
from soundnet_tf.version import __version__

_WAVEFORM = tf.TensorSpec([None, None], tf.float32, name="waveform")


@standard_settings()
def save_savedmodel(student: keras.Model, labels: checkpoint.Labels, folder: str) -> None:
    """Writes the SavedModel of the module's docstring.

    Args:
        student: a SoundNet with heads that give logits.
        labels: class names of each head.
        folder: where to; it is empty or not there.
    """
    student = checkpoint.float32_copy(student)

    @tf.function(autograph=False)
    def call(waveform, training=False):
        network = _TrainingNetwork(student) if training else FoldedNetwork(student)
        return _outputs(network, waveform)

    root = tf.train.Checkpoint()
    root.__call__ = call
    root.variables = [variable.value for variable in student.variables]
    root.trainable_variables = [variable.value for variable in student.trainable_variables]
    root.regularization_losses = []
    call.get_concrete_function(_WAVEFORM, training=True)
    signatures = {"serving_default": call.get_concrete_function(_WAVEFORM, training=False)}
    for name in students.endpoints(student):
        signatures[name] = _endpoint_signature(student, name)
    with tempfile.TemporaryDirectory() as scratch:
        root.assets = [tf.saved_model.Asset(path) for path in _assets(scratch, student, labels)]
        tf.saved_model.save(root, folder, signatures=signatures)


def metadata(student: keras.Model) -> dict:
    """What a program that only has the exported files needs to know."""
    architecture = students.architecture_of(student)
    return {
        "soundnet_tf": __version__,
        "architecture": student.name,
        "sample_rate_hz": constants.SAMPLE_RATE,
        "channels": 1,
        "input_range": [-1.0, 1.0],
        "embedding": architecture.embedding,
        "heads": students.heads_of(student),
        "endpoints": {
            name: {
                "hop_secs": point.hop_secs,
                "receptive_field_secs": point.receptive_field_secs,
                "first_centre_secs": point.first_centre_secs,
                "minimum_secs": architecture.need(name).minimum / constants.SAMPLE_RATE,
            }
            for name, point in students.endpoints(student).items()
        },
    }


class _TrainingNetwork:
    """What `FoldedNetwork` gives, from the Keras layers, whose batch norms learn."""

    def __init__(self, student: keras.Model):
        self.architecture = students.architecture_of(student)
        self.heads = students.heads_of(student)
        self._student = student

    def __call__(self, waveform, endpoints):
        trunk_names = {self.architecture.embedding, self.architecture.trunk[-1].name}
        taps = {name: self._student.get_layer(name).output for name in trunk_names}
        values = keras.Model(self._student.input, taps)(waveform, training=True)
        padding = self.architecture.head.padding
        heard = values[self.architecture.trunk[-1].name][:, :-1]
        heard = tf.pad(heard, [[0, 0], [padding, 0], [0, 0]])
        values |= {head: self._student.get_layer(head)(heard) for head in self.heads}
        nothing = batch_zero_or_nan(waveform)
        return {name: values[name] + nothing for name in endpoints}


def _outputs(network, waveform: tf.Tensor) -> dict[str, tf.Tensor]:
    """The embedding of the sound as it is; the heads of the sound, looped if it is too short."""
    architecture, heads = network.architecture, tuple(network.heads)
    layer = architecture.embedding
    heads_need = architecture.need(heads[0])

    def together():
        return network(waveform, endpoints=(layer, *heads))

    def apart():
        looped = network(short.loop_in_graph(waveform, heads_need), endpoints=heads)
        itself = short.loop_in_graph(waveform, architecture.need(layer))
        return network(itself, endpoints=(layer,)) | looped

    values = tf.cond(tf.shape(waveform)[1] < heads_need.minimum, apart, together)
    embedding = tf.reduce_mean(values.pop(layer), axis=1)
    return {"embedding": embedding} | {name: tf.nn.softmax(values[name]) for name in heads}


def _endpoint_signature(student: keras.Model, name: str):
    needed = students.architecture_of(student).need(name)
    is_head = name in students.heads_of(student)

    @tf.function(autograph=False)
    def signature(waveform):
        network = FoldedNetwork(student)
        output = network(short.loop_in_graph(waveform, needed), endpoints=(name,))[name]
        return {"output": tf.nn.softmax(output) if is_head else output}

    return signature.get_concrete_function(_WAVEFORM)


def _assets(folder: str, student: keras.Model, labels: checkpoint.Labels) -> list[str]:
    """Writes the files that travel inside the SavedModel; their names are kept there."""
    checkpoint.write_labels(folder, labels)
    atomic.write_json(os.path.join(folder, pretrained.METADATA_FILE), metadata(student))
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
