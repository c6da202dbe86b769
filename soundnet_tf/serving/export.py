"""A student as a reusable SavedModel, which plain TensorFlow loads without soundnet_tf.

The object follows TF Hub's interface for reusable SavedModels: `model(waveform, training=False)`,
`variables`, `trainable_variables`, `regularization_losses`. It gives a dict:

    embedding  float32 [batch, channels], pool5 (SoundNet-5: conv4) averaged over time
    objects    float32 [batch, steps, classes], probabilities
    scenes     float32 [batch, steps, classes], probabilities

Signatures: `serving_default` gives the same; one of every endpoint's name ("conv1" … "conv7",
"objects", "scenes") gives {"output": [batch, steps, channels]}. Waveforms shorter than what the
heads need are looped in the graph to the 20 s of training, so any length from one sample on works.

    FOLDER/saved_model.pb, variables/
    FOLDER/assets/objects.txt, scenes.txt    class names, one a line, in output order
    FOLDER/assets/metadata.json              sample rate, endpoints with their hops, versions
"""

import os
import tempfile

import keras
import tensorflow as tf

from soundnet_tf import constants
from soundnet_tf.models import checkpoint
from soundnet_tf.models import student as students
from soundnet_tf.version import __version__

FORMATS = ("savedmodel", "keras")
EMBEDDING = {"soundnet8": "pool5", "soundnet5": "conv4"}

_WAVEFORM = tf.TensorSpec([None, None], tf.float32, name="waveform")


def export(
    student: keras.Model, labels: checkpoint.Labels, folder: str, formats: tuple[str, ...]
) -> list[str]:
    """Writes a student in each of `formats`; several go into subfolders of their name.

    Args:
        student: a SoundNet that gives logits, with at least one head.
        labels: class names of each head.
        folder: where to; what is there already is replaced once the new one is whole.
        formats: any of `FORMATS`.

    Returns:
        The folders written, one a format.

    Raises:
        ValueError: an unknown format, or a student without heads.
    """
    unknown = set(formats) - set(FORMATS)
    if unknown or not formats:
        raise ValueError(f"formats {list(formats)}: choose some of {list(FORMATS)}")
    if not students.heads_of(student):
        raise ValueError("the student has no heads; build it with include_top=True")
    writers = {"savedmodel": save_savedmodel, "keras": save_keras}
    folders = {f: folder if len(formats) == 1 else os.path.join(folder, f) for f in formats}
    for name, target in folders.items():
        partial = f"{target.rstrip('/')}.partial"
        _remove(partial)
        writers[name](student, labels, partial)
        _remove(target)
        tf.io.gfile.rename(partial, target)
    return list(folders.values())


def save_keras(student: keras.Model, labels: checkpoint.Labels, folder: str) -> None:
    """Writes `student.keras` and the class names, see `models.checkpoint`."""
    checkpoint.save_student(folder, checkpoint.float32_copy(student), labels)


def save_savedmodel(student: keras.Model, labels: checkpoint.Labels, folder: str) -> None:
    """Writes the reusable SavedModel of the module's docstring."""
    student = checkpoint.float32_copy(student)
    endpoints = students.endpoints(student)
    heads = students.heads_of(student)
    minimum_samples = endpoints[next(iter(heads))].minimum_samples
    taps = keras.Model(student.input, {name: student.get_layer(name).output for name in endpoints})

    def outputs(waveform, training=False):
        values = taps(loop_short(waveform, minimum_samples), training=training)
        return values | {head: tf.nn.softmax(values[head]) for head in heads}

    @tf.function
    def call(waveform, training=False):
        values = outputs(waveform, training)
        embedding = tf.reduce_mean(values[EMBEDDING[student.name]], axis=1)
        return {"embedding": embedding} | {head: values[head] for head in heads}

    root = tf.train.Checkpoint()
    root.__call__ = call
    root.variables = [variable.value for variable in student.variables]
    root.trainable_variables = [variable.value for variable in student.trainable_variables]
    root.regularization_losses = []
    call.get_concrete_function(_WAVEFORM, training=True)
    signatures = {"serving_default": call.get_concrete_function(_WAVEFORM, training=False)}
    for name in endpoints:
        signatures[name] = _endpoint_signature(outputs, name)
    with tempfile.TemporaryDirectory() as scratch:
        root.assets = [tf.saved_model.Asset(path) for path in _assets(scratch, student, labels)]
        tf.saved_model.save(root, folder, signatures=signatures)


def loop_short(waveform: tf.Tensor, minimum_samples: int) -> tf.Tensor:
    """Repeats waveforms [batch, samples] that are shorter than `minimum_samples` to a whole clip.

    To a clip of 20 s and not just to the minimum, since that is what short videos became in
    training (released code), and since at the bare minimum the head hears much of the end's
    padding. No samples at all are silence.
    """
    samples = tf.shape(waveform)[1]
    waveform = tf.pad(waveform, [[0, 0], [0, tf.cast(samples == 0, tf.int32)]])
    samples = tf.maximum(samples, 1)
    loop = tf.range(constants.CLIP_SAMPLES) % samples
    return tf.cond(
        samples < minimum_samples, lambda: tf.gather(waveform, loop, axis=1), lambda: waveform
    )


def _endpoint_signature(outputs, name: str):
    signature = tf.function(lambda waveform: {"output": outputs(waveform)[name]})
    return signature.get_concrete_function(_WAVEFORM)


def _assets(folder: str, student: keras.Model, labels: checkpoint.Labels) -> list[str]:
    """Writes the files that travel inside the SavedModel; their names are kept there."""
    paths = []
    for head, names in labels.items():
        paths.append(os.path.join(folder, f"{head}.txt"))
        checkpoint.write_atomically(paths[-1], "".join(f"{name}\n" for name in names))
    paths.append(os.path.join(folder, "metadata.json"))
    checkpoint.write_json(paths[-1], _metadata(student))
    return paths


def _metadata(student: keras.Model) -> dict:
    return {
        "soundnet_tf": __version__,
        "architecture": student.name,
        "sample_rate_hz": constants.SAMPLE_RATE,
        "channels": 1,
        "input_range": [-1.0, 1.0],
        "embedding": EMBEDDING[student.name],
        "heads": students.heads_of(student),
        "endpoints": {
            name: {
                "hop_secs": point.hop_secs,
                "receptive_field_secs": point.receptive_field_secs,
                "first_centre_secs": point.first_centre_secs,
                "minimum_secs": point.minimum_secs,
            }
            for name, point in students.endpoints(student).items()
        },
    }


def _remove(folder: str) -> None:
    if tf.io.gfile.exists(folder):
        tf.io.gfile.rmtree(folder)
