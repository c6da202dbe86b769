"""A fine-tuned classifier as a reusable SavedModel, which plain TensorFlow loads without
soundnet_tf and which names the classes itself.

`model(waveform, training=False)` and the signature `serving_default` give a dict:

    probabilities  float32 [batch, classes]
    label          string [batch], the name of the most probable class
    embedding      float32 [batch, 2 channels], what the head hears: layers pooled over time

Any length from one sample on works: what is shorter than the clips that the classifier learned
from is looped to their length in the graph, as it was in training. Of a clip with samples that are
NaN or infinite the numbers are NaN and the label is empty; sound of another scale than [-1, 1] is
not noticed.

Batch norms are folded into the kernels at each call, from the variables as they are then. With
training they use and move the batch's statistics.

    FOLDER/saved_model.pb, variables/
    FOLDER/assets/labels.txt       class names, one a line, in output order
    FOLDER/assets/metadata.json    sample rate, clip length, layers, versions
"""

import os
import tempfile
from collections.abc import Sequence

import keras
import tensorflow as tf

from soundnet_tf import constants
from soundnet_tf.files import atomic
from soundnet_tf.finetuning.classifier import SoundClassifier, pool
from soundnet_tf.models import checkpoint, pretrained
from soundnet_tf.models.architecture import Need
from soundnet_tf.models.finite import batch_zero_or_nan
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.models.keras_settings import standard_settings
from soundnet_tf.models.settings import SAVED_MODEL_FILE
from soundnet_tf.serving import short
from soundnet_tf.version import __version__

_WAVEFORM = tf.TensorSpec([None, None], tf.float32, name="waveform")


@standard_settings()
def save_classifier(
    classifier: SoundClassifier, classes: Sequence[str], clip_secs: float, folder: str
) -> None:
    """Writes the SavedModel of the module's docstring; what is there is replaced by it once the
    new one is whole.

    Args:
        classifier: what was trained.
        classes: their names, in output order.
        clip_secs: length of the clips that it was trained on.
        folder: where to.

    Raises:
        ValueError: another number of names than the head has classes.
    """
    units = classifier.head.units
    if len(classes) != units:
        raise ValueError(f"{len(classes)} class names for a head of {units} classes")
    root = _root(classifier, classes, clip_secs)
    with (
        tempfile.TemporaryDirectory() as scratch,
        atomic.new_folder(folder, SAVED_MODEL_FILE) as new,
    ):
        checkpoint.write_labels(scratch, {pretrained.CLASSIFIER_LABELS: tuple(classes)})
        metadata_file = os.path.join(scratch, pretrained.METADATA_FILE)
        atomic.write_json(metadata_file, metadata(classifier, clip_secs))
        paths = [os.path.join(scratch, f"{pretrained.CLASSIFIER_LABELS}.txt"), metadata_file]
        root.assets = [tf.saved_model.Asset(path) for path in paths]
        signature = root.__call__.get_concrete_function(_WAVEFORM, training=False)
        tf.saved_model.save(root, new, signatures={"serving_default": signature})


def metadata(classifier: SoundClassifier, clip_secs: float) -> dict:
    """What a program that only has the exported files needs to know."""
    return {
        "soundnet_tf": __version__,
        "architecture": classifier.trunk.name,
        "layers": classifier.layer_names,
        "sample_rate_hz": constants.SAMPLE_RATE,
        "channels": 1,
        "input_range": [-1.0, 1.0],
        "clip_secs": clip_secs,
        "classes": classifier.head.units,
    }


def _root(
    classifier: SoundClassifier, classes: Sequence[str], clip_secs: float
) -> tf.train.Checkpoint:
    """The object that is saved, with variables of its own."""
    trunk, layers = checkpoint.float32_copy(classifier.trunk), classifier.layer_names
    kernel, bias = (tf.Variable(weight, dtype=tf.float32) for weight in classifier.folded_head())
    clip_samples = round(clip_secs * constants.SAMPLE_RATE)
    needed = Need(clip_samples, clip_samples)
    trained_steps = keras.Model(trunk.input, {n: trunk.get_layer(n).output for n in layers})

    @tf.function(autograph=False)
    def call(waveform, training=False):
        waveform = short.loop_in_graph(waveform, needed)
        if training:
            nothing = batch_zero_or_nan(waveform)
            steps = trained_steps(waveform, training=True)
            steps = {name: steps[name] + nothing for name in layers}
        else:
            steps = FoldedNetwork(trunk)(waveform, endpoints=layers)
        embedding = tf.concat([pool(steps[name]) for name in layers], axis=-1)
        probabilities = tf.nn.softmax(embedding @ kernel + bias)
        label = tf.gather(tf.constant(list(classes)), tf.argmax(probabilities, axis=-1))
        label = tf.where(probabilities[:, 0] >= 0, label, "")  # of NaN no class is the greatest
        return {"probabilities": probabilities, "label": label, "embedding": embedding}

    root = tf.train.Checkpoint()
    root.__call__ = call
    root.variables = [*(variable.value for variable in trunk.variables), kernel, bias]
    heard = [variable.value for variable in trained_steps.trainable_variables]
    root.trainable_variables = [*heard, kernel, bias]
    root.regularization_losses = []
    call.get_concrete_function(_WAVEFORM, training=True)
    return root
