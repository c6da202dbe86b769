"""Faults of networks, fine-tuning and listening."""

from mutations.fault import Fault

_INITIALISE = ("tests/models/test_initialise.py",)

MODELS = (
    Fault(
        "the GPU branch of convolve pads",
        "soundnet_tf/models/convolution.py",
        'if devices.has_gpu():\n        return tf.nn.conv1d(x, kernel, stride, "VALID")',
        'if devices.has_gpu():\n        return tf.nn.conv1d(x, kernel, stride, "SAME")',
        ("tests/models/test_convolution.py",),
    ),
    Fault(
        "the GPU branch of convolve forgets the stride",
        "soundnet_tf/models/convolution.py",
        'if devices.has_gpu():\n        return tf.nn.conv1d(x, kernel, stride, "VALID")',
        'if devices.has_gpu():\n        return tf.nn.conv1d(x, kernel, 1, "VALID")',
        ("tests/models/test_convolution.py",),
    ),
    Fault(
        "the statistics of batch norms are not saved",
        "soundnet_tf/models/checkpoint.py",
        "        target.get_layer(layer.name).set_weights(layer.get_weights())",
        "        for ours, theirs in zip(target.get_layer(layer.name).weights, layer.weights):\n"
        '            if "moving" not in theirs.path:\n'
        "                ours.assign(theirs)",
        ("tests/models/test_saved_statistics.py",),
    ),
    Fault(
        "init_from shifts the rows of a head by one",
        "soundnet_tf/models/initialise.py",
        "learned[..., out_of]",
        "learned[..., out_of - 1]",
        _INITIALISE,
    ),
    Fault(
        "init_from leaves the trunk as it was",
        "soundnet_tf/models/initialise.py",
        "layer.set_weights(trained.get_layer(layer.name).get_weights())",
        "layer.set_weights(layer.get_weights())",
        _INITIALISE,
    ),
    Fault(
        "a teacher looks in training mode",
        "soundnet_tf/models/teachers/teacher.py",
        "answers = tf.cast(model(pictures, training=False), tf.float32)",
        "answers = tf.cast(model(pictures, training=True), tf.float32)",
        ("tests/models/teachers/test_preprocessing.py", "tests/models/teachers/test_teacher.py"),
    ),
    Fault(
        "a teacher's fingerprint does not depend on its weights",
        "soundnet_tf/models/teachers/teacher.py",
        "        digest.update(keras.ops.convert_to_numpy(variable).tobytes())\n",
        "",
        ("tests/models/teachers/test_teacher.py", "tests/models/teachers/test_networks.py"),
    ),
    Fault(
        "a Places ResNet is fed BGR",
        "soundnet_tf/models/teachers/places.py",
        "layers.Rescaling(scale.tolist(), offset.tolist())(inputs)",
        "layers.Rescaling(scale.tolist(), offset.tolist())(inputs[..., ::-1])",
        ("tests/models/teachers/test_preprocessing.py", "tests/models/teachers/test_places.py"),
    ),
    Fault(
        "the Places VGG16 is fed RGB",
        "soundnet_tf/models/teachers/places.py",
        "(inputs[..., ::-1])",
        "(inputs)",
        ("tests/models/teachers/test_preprocessing.py", "tests/models/teachers/test_places.py"),
    ),
    Fault(
        "the folded network leaves out the input's scale",
        "soundnet_tf/models/folded.py",
        "weights[first] = kernel * constants.INPUT_SCALE, bias",
        "weights[first] = kernel, bias",
        ("tests/models/test_parity.py", "tests/serving/export/test_savedmodel.py"),
    ),
    Fault(
        "moving averages move by momentum, not by what is left of it",
        "soundnet_tf/models/training_pass.py",
        "average * momentum + now * (1.0 - momentum)",
        "average * (1.0 - momentum) + now * momentum",
        ("tests/models/test_training_pass.py",),
    ),
)

FINETUNING = (
    Fault(
        "a class's name of two lines shifts all behind it",
        "soundnet_tf/sounds/labelled_set.py",
        "if name.splitlines() != [name]:",
        "if not name:",
        ("tests/sounds/test_labelled_set.py",),
    ),
    Fault(
        "balanced class weights are inverted",
        "soundnet_tf/finetuning/batches.py",
        "labels.size / (classes * np.bincount(labels, minlength=classes))",
        "classes * np.bincount(labels, minlength=classes) / labels.size",
        ("tests/finetuning/test_batches.py",),
    ),
    Fault(
        "the regression that starts a fine-tuning gets no class weights",
        "soundnet_tf/finetuning/classifier.py",
        ", sample_weight=weights[labels])",
        ")",
        ("tests/finetuning/test_settings.py",),
    ),
    Fault(
        "held-out clips are trained on in the search",
        "soundnet_tf/finetuning/batches.py",
        "Split(np.setdiff1d(folds, held_out), np.sort(held_out), test)",
        "Split(folds, np.sort(held_out), test)",
        ("tests/finetuning/test_batches.py",),
    ),
    Fault(
        "a mixed clip weighs as its greater class alone",
        "soundnet_tf/finetuning/batches.py",
        "tf.linalg.matvec(targets, tf.constant(class_weights, tf.float32))",
        "tf.gather(tf.constant(class_weights, tf.float32), tf.argmax(targets, axis=1))",
        ("tests/finetuning/test_settings.py",),
    ),
    Fault(
        "the label of a mixed clip is that of the first alone",
        "soundnet_tf/finetuning/augmentation.py",
        'return batch, found["classes"][0][:, 0]',
        "return batch, targets",
        ("tests/finetuning/test_augmentation.py",),
    ),
    Fault(
        "all clips of a batch run at one speed",
        "soundnet_tf/finetuning/augmentation.py",
        "factor = augment.resampling_factor(drawn.resample_semitones, speed_seed)",
        "factor = augment.resampling_factor(drawn.resample_semitones, seeds[0])",
        ("tests/finetuning/test_augmentation.py",),
    ),
    Fault(
        "a faster clip ends in silence",
        "soundnet_tf/finetuning/augmentation.py",
        "clip = tf.gather(clip, tf.range(needed) % tf.size(clip))",
        "clip = tf.pad(clip, [[0, needed]])[:needed]",
        ("tests/finetuning/test_augmentation.py",),
    ),
    Fault(
        "the rate of a fine-tuning does not fall",
        "soundnet_tf/finetuning/run.py",
        "OptimizerConfig(config.learning_rate, config.schedule, trunk_scale",
        "OptimizerConfig(config.learning_rate, trunk_scale",
        ("tests/finetuning/test_settings.py",),
    ),
    Fault(
        "the head of a fine-tuning has another dropout than it is told",
        "soundnet_tf/finetuning/run.py",
        "classes, config.layers, config.dropout)",
        "classes, config.layers, 0.5)",
        ("tests/finetuning/test_settings.py",),
    ),
    Fault(
        "a head without dropout cannot be trained",
        "soundnet_tf/finetuning/callbacks.py",
        "if self.model.dropout.rate:",
        "if True:",
        ("tests/finetuning/test_run.py",),
    ),
    Fault(
        "where no clip is held out, one epoch less is run",
        "soundnet_tf/finetuning/run.py",
        "+ 1 if rows else config.epochs",
        "+ 1 if rows else config.epochs - 1",
        ("tests/finetuning/test_settings.py",),
    ),
    Fault(
        "a row that learns from labels counts folds that were not asked for",
        "soundnet_tf/ablations/run.py",
        "str(run.folder), run.seed, run.folds)",
        'str(run.folder), run.seed, ("1", "2"))',
        ("tests/ablations/test_run.py",),
    ),
    Fault(
        "some folds stand for all without a word",
        "soundnet_tf/ablations/run.py",
        "config.table, on_what, config.steps, config.batch_size, config.folds",
        "config.table, on_what, config.steps, config.batch_size",
        ("tests/ablations/test_run.py",),
    ),
    Fault(
        "best_epoch counts from 0",
        "soundnet_tf/finetuning/run.py",
        'epochs = int(best_row(rows)["epoch"]) + 1 if rows',
        'epochs = int(best_row(rows)["epoch"]) if rows',
        ("tests/finetuning/test_run.py",),  # the fixture of test_settings could not be made
    ),
)

SERVING = (
    Fault(
        "the SavedModel in training lets the heads hear the trunk's last step",
        "soundnet_tf/serving/export/savedmodel.py",
        "heard = values[self.architecture.trunk[-1].name][:, :-1]",
        "heard = values[self.architecture.trunk[-1].name]",
        ("tests/serving/export/test_training_path.py",),
    ),
    Fault(
        "LiteRT's small file has all layers in int8",
        "soundnet_tf/serving/export/litert.py",
        "kept = sum(bool(layer.filters) for layer in network.architecture.trunk[: embedding + 1])",
        "kept = 0",
        ("tests/serving/export/test_litert_kernels.py",),
    ),
    Fault(
        "a stream's seconds are one hop late",
        "soundnet_tf/serving/stream.py",
        "steps = np.arange(first, self._counts[name])",
        "steps = np.arange(first, self._counts[name]) + 1",
        ("tests/serving/test_centres.py", "tests/serving/test_stream.py"),
    ),
    Fault(
        "heads hear a short sound looped to their minimum, not to 20 s",
        "soundnet_tf/serving/short.py",
        "np.resize(waveform, needed.target)",
        "np.resize(waveform, needed.minimum)",
        ("tests/serving/test_listening.py",),
    ),
    Fault(
        "meanstd gives the deviation before the mean",
        "soundnet_tf/serving/embed.py",
        "[values.mean(axis=0), values.std(axis=0)]",
        "[values.std(axis=0), values.mean(axis=0)]",
        ("tests/serving/test_listening.py",),
    ),
    Fault(
        "a file that has changed is not heard again",
        "soundnet_tf/serving/extraction/parts.py",
        'and identities[name].is_that_of(Identity.from_text(features.inputs.get(name, "")))',
        "",
        ("tests/serving/extraction/test_resume.py",),
    ),
    Fault(
        "a file's features begin one row late",
        "soundnet_tf/serving/extraction/index.py",
        "own = slice(self.offsets[file], self.offsets[file + 1])",
        "own = slice(self.offsets[file] + 1, self.offsets[file + 1] + 1)",
        ("tests/serving/extraction/test_feature_file.py",),
    ),
    Fault(
        "HEAR's timestamps are in seconds",
        "soundnet_tf/hear.py",
        "np.float32(1000 * secs)",
        "np.float32(secs)",
        ("tests/test_hear.py",),
    ),
    Fault(
        "a recording's ranking is that of its first step",
        "soundnet_tf/serving/recognize.py",
        "steps = self.probabilities[head][None]",
        "steps = self.probabilities[head][None, :1]",
        ("tests/serving/test_recognition_report.py", "tests/serving/test_listening.py"),
    ),
)
