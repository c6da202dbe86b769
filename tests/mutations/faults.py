"""Faults that tests must notice: small, plausible, and of those that leave everything running.

`run.py` puts each into a copy of the checkout. Nothing here is imported by the package.
"""

from typing import NamedTuple


class Fault(NamedTuple):
    """One fault.

    Attributes:
        name: what is wrong, in a sentence.
        file: below the checkout.
        old: a text that stands in the file exactly once.
        new: what stands there instead.
        tests: files, folders or node ids of pytest, of which at least one test should fail.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def apply(fault: Fault, code: str) -> str:
    """The code with the fault in it; ValueError if `old` does not stand there once."""
    count = code.count(fault.old)
    if count != 1:
        raise ValueError(
            f"{fault.old!r} stands {count} times in {fault.file}, should stand once; give the "
            f"fault {fault.name!r} the text that is there now, or take it out"
        )
    return code.replace(fault.old, fault.new)


_MONITOR = ("tests/training/test_monitor.py",)
_RUN = (
    "tests/training/test_run_wiring.py",
    "tests/training/test_run_steps.py",
    "tests/training/test_run_figures.py",
)
_METRICS = ("tests/training/test_distiller_metrics.py", "tests/training/test_run_figures.py")
_OPTIMIZER = ("tests/training/test_optimizer.py", "tests/training/test_run_steps.py")
_PIPELINE = ("tests/data/test_pipeline.py",)
_AUGMENT = ("tests/data/test_augment.py",)
_MIXING = ("tests/training/test_mixing.py",)
_PAIRS = ("tests/training/test_pairs.py",)
_PROBE = ("tests/training/test_probe.py",)
_INITIALISE = ("tests/models/test_initialise.py",)

_ARRAYS = ("tests/media/test_samples.py",)
_FINITE = ("tests/models/test_finite.py",)

ARRAYS = (
    Fault(
        "int64 is divided by 2 ** 63",
        "soundnet_tf/media/samples.py",
        "if bits == 64:",
        "if bits == 128:",
        _ARRAYS,
    ),
    Fault(
        "16-bit samples in int32 are taken for 32-bit ones",
        "soundnet_tf/media/samples.py",
        "0 < peak <= half >> _QUIET_BITS",
        "0 < peak <= half >> 16",
        _ARRAYS,
    ),
    Fault(
        "a rate in kHz is taken for one in Hz",
        "soundnet_tf/media/samples.py",
        "rate < _LOWEST_RATE",
        "rate < 1",
        _ARRAYS,
    ),
    Fault(
        "a stream takes what embed refuses",
        "soundnet_tf/serving/stream.py",
        "samples.checked(waveform, self._known)",
        "np.asarray(waveform)",
        ("tests/serving/test_stream.py",),
    ),
    Fault(
        "a folded network loses NaN in its pools",
        "soundnet_tf/models/folded.py",
        "outputs[name] + nothing for",
        "outputs[name] for",
        _FINITE,
    ),
    Fault(
        "a Keras student loses NaN in its pools",
        "soundnet_tf/models/student.py",
        "([pool(x), nothing])",
        "([pool(x), pool(x) * 0.0])",
        _FINITE,
    ),
    Fault(
        "infinite samples count as finite",
        "soundnet_tf/models/finite.py",
        "tf.abs(total) < _FINITE_BELOW",
        "tf.abs(total) <= float('inf')",
        _FINITE,
    ),
    Fault(
        "what is built depends on image_data_format",
        "soundnet_tf/models/keras_settings.py",
        'keras.config.set_image_data_format("channels_last")',
        "pass",
        ("tests/models/test_keras_settings.py",),
    ),
    Fault(
        "a forked process waits for threads that are not there",
        "soundnet_tf/models/process.py",
        "if _first != os.getpid():",
        "if False:",
        ("tests/models/test_other_processes.py",),
    ),
)

TRAINING = (
    Fault(
        "best/ is the epoch of the highest val_loss",
        "soundnet_tf/training/monitor.py",
        "logs[self.monitored] < min(values)",
        "logs[self.monitored] > max(values)",
        _MONITOR,
    ),
    Fault(
        "the report's best row is the worst epoch",
        "soundnet_tf/training/report.py",
        'best = min(history, key=lambda row: row["val_loss"])',
        'best = max(history, key=lambda row: row["val_loss"])',
        _MONITOR,
    ),
    Fault(
        "the constant baseline is the mean of the held-out clips",
        "soundnet_tf/training/baselines.py",
        "    for batch in train:\n",
        "    for batch in validation:\n",
        ("tests/training/test_run_figures.py",),
    ),
    Fault(
        "the cosine schedule runs over epochs instead of steps",
        "soundnet_tf/training/loop.py",
        "build_optimizer(config.optimizer, epochs * steps_per_epoch, distiller.heads)",
        "build_optimizer(config.optimizer, epochs, distiller.heads)",
        _RUN,
    ),
    Fault(
        "freeze_batch_norm never reaches the run",
        "soundnet_tf/training/loop.py",
        "if config.freeze_batch_norm:",
        "if False:",
        _RUN,
    ),
    Fault(
        "mixed_bfloat16 never reaches the run",
        "soundnet_tf/training/loop.py",
        '"mixed_bfloat16" if config.mixed_bfloat16 else "float32"',
        '"float32"',
        _RUN,
    ),
    Fault(
        "head_warmup_steps never reaches the run",
        "soundnet_tf/training/optimizer.py",
        "head_warmup_steps=config.head_warmup_steps,",
        "head_warmup_steps=0,",
        _OPTIMIZER,
    ),
    Fault(
        "trunk_scale never reaches the run",
        "soundnet_tf/training/optimizer.py",
        "trunk_scale=config.trunk_scale,",
        "trunk_scale=1.0,",
        _OPTIMIZER,
    ),
    Fault(
        "clip_norm never reaches the run",
        "soundnet_tf/training/optimizer.py",
        "global_clipnorm=config.clip_norm or None,",
        "global_clipnorm=None,",
        _OPTIMIZER,
    ),
    Fault(
        "clip_norm clips each weight's gradient alone",
        "soundnet_tf/training/optimizer.py",
        "global_clipnorm=config.clip_norm or None,",
        "clipnorm=config.clip_norm or None,",
        _OPTIMIZER,
    ),
    Fault(
        "short=mask does not mask",
        "soundnet_tf/training/distiller.py",
        'return masked_call(self.student, batch["waveform"], batch["lengths"], training)',
        'return self.student(batch["waveform"], training=training)',
        _METRICS,
    ),
    Fault(
        "short=mask does not mask at evaluation",
        "soundnet_tf/training/distiller.py",
        'return masked_call(self.student, batch["waveform"], batch["lengths"], training)',
        "if training:\n                return masked_call("
        'self.student, batch["waveform"], batch["lengths"], training)',
        _METRICS,
    ),
    Fault(
        "the temperature never reaches the loss",
        "soundnet_tf/training/distiller.py",
        "self.config.temperature,",
        "1.0,",
        _METRICS,
    ),
    Fault(
        "shuffled_pairs trains on true pairs",
        "soundnet_tf/training/distiller.py",
        "if self.config.shuffled_pairs:",
        "if False:",
        ("tests/training/test_distiller.py",),
    ),
    Fault(
        "a shuffled pair may be of one video",
        "soundnet_tf/training/pairs.py",
        "is_other = tf.gather(video, turned) != video[:, None]",
        'is_other = tf.gather(video, turned) != ""',
        _PAIRS,
    ),
    Fault(
        "pairs of one video count as shuffled",
        "soundnet_tf/training/pairs.py",
        "theirs = tf.reduce_sum(answers, 0) - answers",
        "theirs = tf.zeros_like(answers) + tf.reduce_sum(answers, 0)",
        _PAIRS,
    ),
    Fault(
        "masked steps count in shuffled pairs",
        "soundnet_tf/training/pairs.py",
        "valid = tf.cast(mask, tf.float32)[..., None]",
        "valid = tf.ones_like(tf.cast(mask, tf.float32))[..., None]",
        _PAIRS,
    ),
    Fault(
        "every step mixes alike",
        "soundnet_tf/training/distiller.py",
        "seed = tf.stack([tf.constant(self.seed, tf.int64), self._step()])",
        "seed = tf.constant([self.seed, 0], tf.int64)",
        ("tests/training/test_distiller.py",),
    ),
    Fault(
        "a mixed clip keeps its own target",
        "soundnet_tf/training/mixing.py",
        "return part * posteriors + (1 - part) * tf.roll(posteriors, -1, axis=0), is_valid",
        "return posteriors, is_valid",
        _MIXING,
    ),
    Fault(
        "sound is mixed with the next clip, targets with the one before",
        "soundnet_tf/training/mixing.py",
        "other = tf.roll(waveform, -1, axis=0)",
        "other = tf.roll(waveform, 1, axis=0)",
        _MIXING,
    ),
    Fault(
        "levels of mixed clips are not evened out",
        "soundnet_tf/training/mixing.py",
        "gain = part * other_level / (part * other_level + (1 - part) * level)",
        "gain = part + 0 * (level + other_level)",
        _MIXING,
    ),
    Fault(
        "frames stay where they were when the sound runs faster",
        "soundnet_tf/data/pipeline.py",
        'record["frame_secs"] /= factor',
        'record["frame_secs"] /= 1.0',
        _AUGMENT,
    ),
    Fault(
        "a faster crop has no room for its last frames",
        "soundnet_tf/data/settings.py",
        "math.ceil(self.crop_secs * self.augment.fastest / frame_every_secs)",
        "math.ceil(self.crop_secs / frame_every_secs)",
        _AUGMENT,
    ),
    Fault(
        "noise fills the padding",
        "soundnet_tf/data/augment.py",
        "waveform = tf.where(tf.range(tf.size(waveform)) < length, waveform, 0.0)",
        "waveform = tf.identity(waveform)",
        _AUGMENT,
    ),
    Fault(
        "noise is louder than was asked for",
        "soundnet_tf/data/augment.py",
        "tf.pow(10.0, -below_db / 20.0)",
        "tf.pow(10.0, -below_db / 40.0)",
        _AUGMENT,
    ),
    Fault(
        "a filter moves the sound in time",
        "soundnet_tf/data/augment.py",
        "_TAPS // 2, axis=0)",
        "_TAPS // 4, axis=0)",
        _AUGMENT,
    ),
    Fault(
        "the probe hears the student before its last update",
        "soundnet_tf/training/monitor.py",
        'self.update()\n        self.save("last")',
        'self.save("last")\n        self.update()',
        ("tests/training/test_probe.py", *_MONITOR),
    ),
    Fault(
        "best_probe is the last one probed",
        "soundnet_tf/training/probe.py",
        "if right and all(best_layer(found)[1] > best_layer(r)[1] for r in earlier):",
        "if right:",
        _PROBE,
    ),
    Fault(
        "the last epoch is not probed",
        "soundnet_tf/training/probe.py",
        " or epoch + 1 == self._epochs",
        "",
        _PROBE,
    ),
    Fault(
        "the verdict goes by the best probe",
        "soundnet_tf/training/verdict.py",
        'lead = probe.advantage(probed["rows"][-1], probed["untrained"])',
        'lead = max(probe.advantage(r, probed["untrained"]) for r in probed["rows"])',
        ("tests/training/test_verdict.py",),
    ),
    Fault(
        "fitting the training clips counts as learning",
        "soundnet_tf/training/verdict.py",
        "has_learned = _hears(held_out, heads)",
        "has_learned = _hears(training, heads)",
        ("tests/training/test_verdict.py",),
    ),
    Fault(
        "auto looks at frames although the shards are labelled",
        "soundnet_tf/training/targets.py",
        "targets = CACHED if is_labelled and not config.pipeline.flip else ONLINE",
        "targets = ONLINE",
        ("tests/training/test_targets.py",),
    ),
    Fault(
        "the effective rank is of channels at their own scales",
        "soundnet_tf/training/rank.py",
        "(changing - changing.mean(axis=0)) / deviation[deviation > 0]",
        "(changing - changing.mean(axis=0))",
        ("tests/training/test_rank.py",),
    ),
    Fault(
        "export takes the student of the lowest held-out KL",
        "soundnet_tf/serving/export/settings.py",
        '"Which student of the run.", LAST,',
        '"Which student of the run.", BEST,',
        ("tests/serving/test_commands.py",),
    ),
    Fault(
        "reduction=paper counts one head",
        "soundnet_tf/training/distiller.py",
        "len(targets),",
        "1,",
        _METRICS,
    ),
    Fault(
        "masked steps count in kl_*",
        "soundnet_tf/training/distiller.py",
        ".update_state(divergence, mask)",
        ".update_state(divergence)",
        _METRICS,
    ),
    Fault(
        "masked steps count in agreement_*",
        "soundnet_tf/training/distiller.py",
        ".update_state(tf.cast(agreement, tf.float32), mask)",
        ".update_state(tf.cast(agreement, tf.float32))",
        _METRICS,
    ),
    Fault(
        "the epoch's loss is not weighted by steps",
        "soundnet_tf/training/distiller.py",
        "self.loss_mean.update_state(total, tf.reduce_sum(tf.cast(any_mask, tf.float32)))",
        "self.loss_mean.update_state(total)",
        _METRICS,
    ),
    Fault(
        "a head's weight never reaches the loss",
        "soundnet_tf/training/distiller.py",
        "self.config.weights.get(head, 1.0) * losses.head_loss(",
        "losses.head_loss(",
        _METRICS,
    ),
    Fault(
        "the temperature's square is left out",
        "soundnet_tf/training/losses.py",
        " * temperature**2",
        "",
        ("tests/training/test_losses.py",),
    ),
    Fault(
        "alignment weighs the farther of two frames more",
        "soundnet_tf/training/alignment.py",
        "weights = (1 - share) * tf.one_hot(before, frames) + share * tf.one_hot(after, frames)",
        "weights = share * tf.one_hot(before, frames) + (1 - share) * tf.one_hot(after, frames)",
        ("tests/training/test_alignment.py",),
    ),
    Fault(
        "TensorBoard's validation curves show training figures",
        "soundnet_tf/training/monitor.py",
        "if k.startswith(prefix)}",
        "if not k.startswith(prefix)}",
        ("tests/training/test_run_steps.py",),
    ),
    Fault(
        "Adam's beta_2 is beta_1",
        "soundnet_tf/training/optimizer.py",
        "beta2=self.beta_2,",
        "beta2=self.beta_1,",
        _OPTIMIZER,
    ),
    Fault(
        "the EMA's momentum is inverted",
        "soundnet_tf/training/optimizer.py",
        "ema_momentum=config.ema_momentum or 0.99,",
        "ema_momentum=1 - config.ema_momentum,",
        _RUN,
    ),
    Fault(
        "the student is seeded before the teachers are loaded",
        "soundnet_tf/training/loop.py",
        "keras.utils.set_random_seed(config.seed)",
        "keras.utils.set_random_seed(config.seed); _teachers(config, training, validation)",
        _RUN,
    ),
    Fault(
        "--steps is rounded down to whole epochs",
        "soundnet_tf/training/loop.py",
        "-(-config.steps // steps_per_epoch) if config.steps",
        "config.steps // steps_per_epoch if config.steps",
        _RUN,
    ),
)

DATA = (
    Fault(
        "with --videos the validation videos are trained on too",
        "soundnet_tf/data/sources.py",
        "return tuple(from_videos(members[split], cutting, workers) for split in (TRAIN, VAL))",
        "return tuple(from_videos(v, cutting, workers) for v in (videos, members[VAL]))",
        ("tests/data/test_sources.py", "tests/data/test_videos.py"),
    ),
    Fault(
        "all clips of an epoch share one augmentation seed",
        "soundnet_tf/data/pipeline.py",
        "return tf.random.experimental.stateless_fold_in(seed, index)",
        "return seed",
        _PIPELINE,
    ),
    Fault(
        "the last partial batch of evaluation is dropped",
        "soundnet_tf/data/pipeline.py",
        "    batches = examples.batch(config.batch_size)\n"
        "    return _counted(batches, math.ceil(source.count / config.batch_size))",
        "    batches = examples.batch(config.batch_size, drop_remainder=True)\n"
        "    return _counted(batches, source.count // config.batch_size)",
        _PIPELINE,
    ),
    Fault(
        "frames move the wrong way when a crop begins later",
        "soundnet_tf/data/pipeline.py",
        'clip["frame_secs"] - tf.cast(start, tf.float32)',
        'clip["frame_secs"] + tf.cast(start, tf.float32)',
        _PIPELINE,
    ),
    Fault(
        "a gain of so many dB is one of twice as many",
        "soundnet_tf/data/augment.py",
        "_uniform(seed, -gain_db, gain_db) / 20.0)",
        "_uniform(seed, -gain_db, gain_db) / 10.0)",
        _PIPELINE,
    ),
    Fault(
        "cached posteriors are those of the clip's first frames, wherever the crop is",
        "soundnet_tf/data/pipeline.py",
        "tf.gather(record[key], frame)",
        "record[key][: tf.size(frame)]",
        ("tests/data/test_cached_pipeline.py",),
    ),
    Fault(
        "the validation fraction is what is trained on",
        "soundnet_tf/data/videos.py",
        "VAL if fraction < val_fraction else TRAIN",
        "TRAIN if fraction < val_fraction else VAL",
        ("tests/data/test_videos.py",),
    ),
    Fault(
        "int16 is read as if full scale were 32767",
        "soundnet_tf/data/audio_ops.py",
        "tf.cast(samples, tf.float32) / PCM16_SCALE",
        "tf.cast(samples, tf.float32) / (PCM16_SCALE - 1)",
        ("tests/data/test_codecs.py", "tests/data/test_records.py"),
    ),
    Fault(
        "a video's remainder is a clip however short it is",
        "soundnet_tf/data/clips.py",
        "count = whole + (remainder_secs >= shortest_secs)",
        "count = whole + (remainder_secs > 0)",
        ("tests/data/test_clips.py",),
    ),
    Fault(
        "frame times count from the video's beginning",
        "soundnet_tf/data/clips.py",
        "frame_secs=tuple(map(float, clip.frame_secs)),",
        "frame_secs=tuple(start_secs + float(secs) for secs in clip.frame_secs),",
        ("tests/data/test_clips.py",),
    ),
    Fault(
        "the last two parts of a labelling do the same shards",
        "soundnet_tf/data/label.py",
        "_shards(known)[config.part :: config.parts]",
        "_shards(known)[config.part :: max(config.parts - 1, 1)]",
        ("tests/data/test_label.py",),
    ),
    Fault(
        "a mirrored frame stands on its head",
        "soundnet_tf/data/pipeline.py",
        "tf.reverse(squares, axis=[2])",
        "tf.reverse(squares, axis=[1])",
        _PIPELINE,
    ),
)

MODELS = (
    Fault(
        "the GPU branch of convolve pads",
        "soundnet_tf/models/convolution.py",
        'if tf.config.list_logical_devices("GPU"):\n'
        '        return tf.nn.conv1d(x, kernel, stride, "VALID")',
        'if tf.config.list_logical_devices("GPU"):\n'
        '        return tf.nn.conv1d(x, kernel, stride, "SAME")',
        ("tests/models/test_convolution.py",),
    ),
    Fault(
        "the GPU branch of convolve forgets the stride",
        "soundnet_tf/models/convolution.py",
        'if tf.config.list_logical_devices("GPU"):\n'
        '        return tf.nn.conv1d(x, kernel, stride, "VALID")',
        'if tf.config.list_logical_devices("GPU"):\n'
        '        return tf.nn.conv1d(x, kernel, 1, "VALID")',
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
        ("tests/finetuning/test_settings.py", "tests/finetuning/test_run.py"),
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

_FOLDS = ("tests/evaluation/test_folds.py",)

EVALUATION = (
    Fault(
        "the probe trains on the clips that it tests",
        "soundnet_tf/evaluation/probe.py",
        "(train, data.labels[train], window_steps) for train, _ in splits",
        "(np.arange(len(data.clips)), data.labels, window_steps) for _ in splits",
        ("tests/evaluation/test_probe.py",),
    ),
    Fault(
        "a labelled set's test clips are among those to train on",
        "soundnet_tf/sounds/labelled_set.py",
        "return np.flatnonzero(~is_test), np.flatnonzero(is_test)",
        "return np.arange(len(is_test)), np.flatnonzero(is_test)",
        ("tests/sounds/test_labelled_set.py",),
    ),
    Fault(
        "DCASE trains on the test set and tests on the training set",
        "soundnet_tf/sounds/esc_dcase.py",
        'labelled_set.TRAIN: ("train", "scenes_stereo"),\n'
        '    labelled_set.TEST: ("test", "scenes_stereo_testset"),',
        'labelled_set.TEST: ("train", "scenes_stereo"),\n'
        '    labelled_set.TRAIN: ("test", "scenes_stereo_testset"),',
        ("tests/sounds/test_esc_dcase.py",),
    ),
    Fault(
        "ESC's folds are the numbers of the classes' folders",
        "soundnet_tf/sounds/esc_dcase.py",
        "classes[-1], match[1]))",
        "classes[-1], str(len(classes) % 5 + 1)))",
        ("tests/sounds/test_esc_dcase.py",),
    ),
    Fault(
        "the modern probe standardises by the tested clips too",
        "soundnet_tf/evaluation/modern.py",
        "standardised = (examples - examples[train].mean(axis=0)) / examples[train].std(axis=0)",
        "standardised = (examples - examples.mean(axis=0)) / examples.std(axis=0)",
        ("tests/evaluation/test_modern.py",),
    ),
    Fault(
        "multimodal features are not standardised",
        "soundnet_tf/evaluation/svm.py",
        "make_pipeline(StandardScaler(), ",
        'make_pipeline("passthrough", ',
        ("tests/evaluation/test_multimodal_svm.py",),
    ),
    Fault(
        "folds are fitted in threads, which share liblinear's random numbers",
        "soundnet_tf/evaluation/folds.py",
        'joblib.Parallel(workers, return_as="generator", max_nbytes=None)',
        'joblib.Parallel(workers, "threading", return_as="generator", max_nbytes=None)',
        _FOLDS,
    ),
    Fault(
        "as many copies are held as there are cores",
        "soundnet_tf/evaluation/folds.py",
        "min(tasks, at_once, joblib.cpu_count())",
        "min(tasks, joblib.cpu_count())",
        _FOLDS,
    ),
    Fault(
        "every process of a fold has all threads of the linear algebra",
        "soundnet_tf/evaluation/folds.py",
        '    with threadpool_limits(1, "blas"):\n        return function(features, *task)',
        "    return function(features, *task)",
        _FOLDS,
    ),
    Fault(
        "the untrained network of the floors is the trained one",
        "soundnet_tf/evaluation/baselines.py",
        "return FoldedNetwork(student)",
        "return like",
        ("tests/evaluation/test_baselines.py",),
    ),
    Fault(
        "input_scale does not reach the sound",
        "soundnet_tf/evaluation/features.py",
        " * np.float32(input_scale))",
        ")",
        ("tests/evaluation/test_features.py",),
    ),
    Fault(
        "MFCC leave out the loudness and take one coefficient more",
        "soundnet_tf/evaluation/mfcc.py",
        "[..., :COEFFICIENTS]",
        "[..., 1 : COEFFICIENTS + 1]",
        ("tests/evaluation/test_mfcc.py",),
    ),
    Fault(
        "deviations over folds are those of a sample",
        "soundnet_tf/evaluation/results.py",
        "np.std(accuracies)",
        "np.std(accuracies, ddof=1)",
        ("tests/evaluation/test_results.py",),
    ),
    Fault(
        "the confusion has the predictions in its rows",
        "soundnet_tf/evaluation/results.py",
        "data.labels[is_tested], predictions[is_tested], labels=",
        "predictions[is_tested], data.labels[is_tested], labels=",
        ("tests/evaluation/test_results.py",),
    ),
    Fault(
        "an ablation exports the best student, not the last",
        "soundnet_tf/ablations/run.py",
        '"--which=last"',
        '"--which=best"',
        ("tests/ablations/test_commands.py",),
    ),
    Fault(
        "an ablation's held-out KL is that of the first epoch",
        "soundnet_tf/ablations/run_results.py",
        "epochs[-1].items()",
        "epochs[0].items()",
        ("tests/ablations/test_run.py", "tests/ablations/test_tables.py"),
    ),
    Fault(
        "an ablation's seeds are added up, not averaged",
        "soundnet_tf/ablations/tables.py",
        "return statistics.fmean(values) if values else None",
        "return sum(values) if values else None",
        ("tests/ablations/test_tables.py",),
    ),
)

_FLAGS = ("tests/bin/test_stage_flags.py",)
_EARLY = ("tests/bin/test_early_checks.py",)
_QUIET = ("tests/bin/test_quiet_start.py",)
_DECLARED = ("tests/test_settings.py",)

COMMANDS = (
    Fault(
        "--dataset of bin/finetune.py is taken for a manifest",
        "soundnet_tf/sounds/settings.py",
        "return self.dataset or CSV",
        "return CSV",
        ("tests/sounds/test_settings.py",),
    ),
    Fault(
        "the last frame of a crop that is no multiple of their spacing is lost",
        "soundnet_tf/data/settings.py",
        "math.ceil(self.crop_secs * self.augment.fastest / frame_every_secs)",
        "math.floor(self.crop_secs / frame_every_secs)",
        _PIPELINE,
    ),
    Fault(
        "bin/train.py trains on the held-out clips",
        "bin/train.py",
        "training, validation = sources",
        "validation, training = sources",
        ("tests/training/test_train_command.py",),
    ),
    Fault(
        "the held-out clips of a prepared folder are trained on",
        "soundnet_tf/data/sources.py",
        'f"{split}-*")) for split in (TRAIN, VAL)',
        'f"{split}-*")) for split in (VAL, TRAIN)',
        ("tests/data/test_sources.py",),
    ),
    Fault(
        "flags of settings within settings never reach them",
        "bin/stage_flags.py",
        "given[field.name] = read(hints[field.name], values)",
        "given[field.name] = hints[field.name]()",
        _FLAGS,
    ),
    Fault(
        "a head's flag sets the other head too",
        "bin/stage_flags.py",
        "yield head, _leaf(head, of_head, kind)",
        "yield head, _leaf(head, next(iter(declared.values())), kind)",
        _FLAGS,
    ),
    Fault(
        "the weights of the two heads are swapped",
        "soundnet_tf/training/settings.py",
        '1.0, "objects_weight", bounds=',
        '1.0, "scenes_weight_of", bounds=',
        _FLAGS,
    ),
    Fault(
        "a flag has another default than its field",
        "bin/stage_flags.py",
        "default = None if required else declared.default",
        "default = None",
        _FLAGS,
    ),
    Fault(
        "a run's flagfile has the defaults too",
        "bin/stage_flags.py",
        "if values[name].present]",
        "if values[name].value is not None]",
        _FLAGS,
    ),
    Fault(
        "bounds of settings are not checked",
        "soundnet_tf/settings.py",
        "if not all(_BOUNDS[bound][1](item, limit) for bound, limit in declared.bounds.items()):",
        "if False:",
        _DECLARED,
    ),
    Fault(
        "a bound that is open is closed",
        "soundnet_tf/settings.py",
        '"above": ("above", operator.gt)',
        '"above": ("above", operator.ge)',
        _DECLARED,
    ),
    Fault(
        "settings are checked after the stage's module is imported",
        "bin/launch.py",
        "config = stage_flags.read(settings)\n",
        "config = settings()\n",
        ("tests/bin/test_launch.py",),
    ),
    Fault(
        "inputs are left to the stage, after TensorFlow is imported",
        "bin/launch.py",
        "        config.check_inputs(*named)\n",
        "",
        ("tests/bin/test_launch.py", *_EARLY),
    ),
    Fault(
        "inputs of settings within settings are not checked",
        "soundnet_tf/settings.py",
        "                value.check_inputs()",
        "                pass",
        _EARLY,
    ),
    Fault(
        "a teacher's file is looked for when it is loaded",
        "soundnet_tf/models/settings.py",
        "    if not os.path.exists(path):\n",
        "    if False:\n",
        _EARLY,
    ),
    Fault(
        "a training run's folder may be another run's until TensorFlow is there",
        "soundnet_tf/training/settings.py",
        'claimed.refuse_other_run(self.out, {"settings": dataclasses.asdict(self.train)})',
        "pass",
        _EARLY,
    ),
    Fault(
        "whatever TensorFlow says at its start is left out",
        "bin/quiet_start.py",
        "return not _matches(line, _NO_NEWS",
        'return not line or not _matches(line, ("",)',
        _QUIET,
    ),
    Fault(
        "TensorFlow's lines about devices come after the quiet",
        "bin/quiet_start.py",
        "                    module.config.list_physical_devices()",
        "                module.config.list_physical_devices()",
        _QUIET,
    ),
    Fault(
        "a packaged flagfile hides one that is here",
        "bin/flagfiles.py",
        "    if os.path.isfile(os.path.expanduser(name)):\n",
        "    if os.path.isfile(os.path.expanduser(name)) and name not in known:\n",
        ("tests/bin/test_flagfiles.py",),
    ),
    Fault(
        "flagfiles are not in the wheel",
        "setup.py",
        '"soundnet_tf.flags": ["**/*.flags"]',
        '"soundnet_tf.flags": ["*.txt"]',
        ("tests/bin/test_flagfiles.py",),
    ),
    Fault(
        "an error is told, but the exit code is 0",
        "bin/launch.py",
        "        return fail(error)",
        "        return fail(error) - 1",
        ("tests/bin/test_launch.py",),
    ),
)

_ATOMIC = ("tests/files/test_atomic.py",)
_LOCK = ("tests/files/test_lock.py",)
_FIND = ("tests/files/test_find.py",)
_LISTS = ("tests/files/test_lists.py",)

FILES = (
    Fault(
        "what a living process is writing is removed",
        "soundnet_tf/files/atomic.py",
        "if found and not is_alive(",
        "if found and is_alive(",
        _ATOMIC,
    ),
    Fault(
        "a folder that was moved aside is lost",
        "soundnet_tf/files/atomic.py",
        'if found[2] == "replaced" and not storage.exists(path):',
        "if False:",
        _ATOMIC,
    ),
    Fault(
        "a file takes its name before it is written",
        "soundnet_tf/files/atomic.py",
        "        yield temporary\n        storage.rename(temporary, path, overwrite=True)",
        "        storage.rename(temporary, path, overwrite=True)\n        yield path",
        _ATOMIC,
    ),
    Fault(
        "what was made with other settings is gone on with",
        "soundnet_tf/files/claim.py",
        "if differing := differences(found, settings, may_differ):",
        "if differing := differences(found, found, may_differ):",
        ("tests/files/test_claim.py",),
    ),
    Fault(
        "what comes next is not quoted",
        "soundnet_tf/training/report.py",
        "--run={shlex.quote(out)}",
        "--run={out}",
        ("tests/e2e/test_suggested_commands.py",),
    ),
    Fault(
        "a run goes on with other recordings",
        "soundnet_tf/finetuning/folder.py",
        "if recordings and not identity.is_note_of_the_same(recordings, _recordings(found)):",
        "if False:",
        ("tests/finetuning/test_folder.py",),
    ),
    Fault(
        "figures of other recordings are shown",
        "soundnet_tf/ablations/run.py",
        "if recordings and not identity.is_note_of_the_same(recordings, known):",
        "if False:",
        ("tests/ablations/test_run.py",),
    ),
    Fault(
        "a file of the same size is the same",
        "soundnet_tf/files/identity.py",
        "(self.bytes, self.modified_ns) == (known.bytes, known.modified_ns)",
        "self.bytes == known.bytes",
        ("tests/files/test_identity.py", "tests/data/test_prepare.py"),
    ),
    Fault(
        "--checksum does not reach the videos",
        "soundnet_tf/data/prepare.py",
        "videos.find_videos(config.videos, config.checksum, progress)",
        "videos.find_videos(config.videos, False, progress)",
        ("tests/data/test_prepare.py",),
    ),
    Fault(
        "--checksum does not reach the files to extract",
        "soundnet_tf/serving/extraction/run.py",
        "identities_of(found, config.checksum, progress)",
        "identities_of(found, False, progress)",
        ("tests/serving/extraction/test_resume.py",),
    ),
    Fault(
        "clips that are kept keep their posteriors",
        "soundnet_tf/data/shards.py",
        "records.encode(replace(clip, posteriors={}))",
        "records.encode(clip)",
        ("tests/data/test_label.py",),
    ),
    Fault(
        "rows of files that are gone are lost",
        "soundnet_tf/serving/extraction/run.py",
        "if name not in identities]:",
        "if False]:",
        ("tests/serving/extraction/test_resume.py",),
    ),
    Fault(
        "the second run is not refused",
        "soundnet_tf/files/lock.py",
        "if me.conflicts_with(other):",
        "if False:",
        (*_LOCK, "tests/e2e/test_one_run_at_a_time.py"),
    ),
    Fault(
        "a lock on a file without a name counts",
        "soundnet_tf/files/lock.py",
        "if _is_still(path, file):",
        "if True:",
        _LOCK,
    ),
    Fault(
        "the same part of a labelling may run twice",
        "soundnet_tf/files/lease.py",
        "self.part[1] != other.part[1] or self.part[0] == other.part[0]",
        "self.part[1] != other.part[1]",
        _LOCK,
    ),
    Fault(
        "a lease never ends",
        "soundnet_tf/files/lease.py",
        "holder.is_gone() or _age_secs(path, own, content) > STALE_SECS",
        "holder.is_gone()",
        _LOCK,
    ),
    Fault(
        "a process is told by its number alone",
        "soundnet_tf/files/lease.py",
        "or self.started != _started(self.process)",
        "",
        _LOCK,
    ),
    Fault(
        "of two that want a place at once both wait for the other",
        "soundnet_tf/files/lease.py",
        "if state == _HELD or path < own:",
        "if state == _HELD:",
        _LOCK,
    ),
    Fault(
        "a hash stands beside a shard that it is not of",
        "soundnet_tf/data/shard_json.py",
        "    storage.remove(_path(directory, name))\n",
        "",
        ("tests/data/test_label_faults.py",),
    ),
    Fault(
        "a link to a folder that was seen is followed again",
        "soundnet_tf/files/links.py",
        "            seen.add(real(parent))\n",
        "            seen.add(parent)\n",
        ("tests/files/test_storage.py",),
    ),
    Fault(
        "a file counts under each of its names",
        "soundnet_tf/files/find.py",
        "names[storage.real(path)].append(path)",
        "names[path].append(path)",
        _FIND,
    ),
    Fault(
        "a link's name comes before a plain one",
        "soundnet_tf/files/find.py",
        "return not is_plain, path",
        "return path",
        _FIND,
    ),
    Fault(
        "a name that is no UTF-8 stays as it is",
        "soundnet_tf/files/find.py",
        'return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")',
        "return name",
        _FIND,
    ),
    Fault(
        "the mark of UTF-8 is part of a list's first entry",
        "soundnet_tf/files/lists.py",
        '.decode("utf-8-sig")',
        '.decode("utf-8")',
        _LISTS,
    ),
    Fault(
        "entries of a list lose the blanks around them",
        "soundnet_tf/files/lists.py",
        'line.removesuffix("\\r")',
        "line.strip()",
        _LISTS,
    ),
    Fault(
        "of two columns of one name the last wins",
        "soundnet_tf/files/lists.py",
        "columns.count(name) > 1",
        "columns.count(name) > 9",
        ("tests/sounds/test_labelled_set.py",),
    ),
)

_ODD = ("tests/media/test_odd_clips.py",)
_JOINS = ("tests/media/test_joins.py",)

MEDIA = (
    Fault(
        "parts of a file are joined by the end of one stream alone",
        "soundnet_tf/media/joins.py",
        "end_secs = max(end.max() for end in ends if end.size) - shift_secs",
        "end_secs = min(end.max() for end in ends if end.size) - shift_secs",
        _JOINS,
    ),
    Fault(
        "each stream of a part begins where the part does",
        "soundnet_tf/media/joins.py",
        "first_secs = min(begin.min() for begin in begins if begin.size)",
        "first_secs = max(begin.min() for begin in begins if begin.size)",
        _JOINS,
    ),
    Fault(
        "stamps that begin anew in one stream alone are joined",
        "soundnet_tf/media/joins.py",
        "if len(set(counts.values())) > 1:",
        "if False:",
        _JOINS,
    ),
    Fault(
        "a jump ahead is silence",
        "soundnet_tf/media/layout.py",
        "joins = find_joins(stamps, longest_pause_secs)",
        "joins = find_joins(stamps, 1e9)",
        _ODD,
    ),
    Fault(
        "stamps before zero are never presented",
        "soundnet_tf/media/layout.py",
        "start_secs = float(Fraction(container.start_time or 0, av.time_base))",
        "return max(0.0, float(Fraction(container.start_time or 0, av.time_base)))",
        _ODD,
    ),
    Fault(
        "packets behind a join keep their stamps",
        "soundnet_tf/media/layout.py",
        "                packet.pts = None if packet.pts is None else packet.pts - shift[index]\n",
        "",
        _ODD,
    ),
    Fault(
        "a seek into a joined file is believed",
        "soundnet_tf/media/track.py",
        "return None if is_joined else _packets_after_seek(track, kind, from_secs, from_secs)",
        "return _packets_after_seek(track, kind, from_secs, from_secs)",
        _ODD,
    ),
    Fault(
        "decoders that go on without end begin in the middle",
        "soundnet_tf/media/track.py",
        "seeks = from_secs > 0 and not track.is_unending",
        "seeks = from_secs > 0",
        _ODD,
    ),
    Fault(
        "a seek whose stamp lies is believed",
        "soundnet_tf/media/track.py",
        "index = met_in_order.index_of(packet) if packet.is_keyframe else None",
        "index = 0 if packet.is_keyframe else None",
        _ODD,
    ),
    Fault(
        "the packet in which a window begins is left out",
        "soundnet_tf/media/decoded_sound.py",
        "            yield from before\n",
        "",
        _ODD,
    ),
    Fault(
        "stamps that FFmpeg counts drift",
        "soundnet_tf/media/survey.py",
        "samples = math.ceil(int(duration[0]) * tick * counted_rate)",
        "samples = int(duration[0]) * tick * counted_rate",
        _ODD,
    ),
    Fault(
        "a file that was replaced has the packets of the one before",
        "soundnet_tf/media/survey.py",
        "return _survey(path, storage.size(path), storage.modified_ns(path))",
        "return _survey(path, 0, 0)",
        _ODD,
    ),
    Fault(
        "a header is believed that says too little",
        "soundnet_tf/media/info.py",
        "earliest_secs < declared_secs <= latest_secs else",
        "True else",
        _ODD,
    ),
    Fault(
        "mirrored pictures are turned alone",
        "soundnet_tf/media/orientation.py",
        "mirrored = a * d - b * c < 0",
        "mirrored = False",
        _ODD,
    ),
    Fault(
        "a mirrored picture is turned first and then mirrored",
        "soundnet_tf/media/orientation.py",
        "degrees = math.degrees(math.atan2(c, -a if mirrored else a))",
        "degrees = math.degrees(math.atan2(-c if mirrored else c, -a if mirrored else a))",
        _ODD,
    ),
    Fault(
        "a turned film has its stored size",
        "soundnet_tf/media/orientation.py",
        "return (height, width) if self.rotation_degrees % 180 else (width, height)",
        "return (width, height)",
        _ODD,
    ),
    Fault(
        "the frame of a moment is the next one",
        "soundnet_tf/media/pictures.py",
        "            if self._latest is not None and following[0] > reach_secs:",
        "            if self._latest is not None and self._latest[0] > reach_secs:",
        (
            "tests/media/test_odd_clips.py",
            "tests/media/test_pictures.py",
        ),
    ),
    Fault(
        "frames are told by when they began",
        "soundnet_tf/media/pictures.py",
        "shown_secs = max(float(secs), begin_secs)",
        "shown_secs = begin_secs",
        _ODD,
    ),
    Fault(
        "the last slide is gone at once",
        "soundnet_tf/media/pictures.py",
        'return max(track.layout.ends_secs["video"], float(begins_secs[-1] + shown_secs[-1]))',
        "return float(begins_secs[-1]) + 0.04",
        _ODD,
    ),
    Fault(
        "pictures that ended stay",
        "soundnet_tf/media/pictures.py",
        "            if secs >= self._end_secs - _CLOCK_TICK_SECS:\n                break\n",
        "",
        (
            "tests/media/test_odd_clips.py",
            "tests/media/test_video.py",
        ),
    ),
    Fault(
        "a commentary is taken",
        "soundnet_tf/media/streams.py",
        "streams = _preferred(streams, lambda stream: not stream.disposition & _ASIDE)",
        "",
        _ODD,
    ),
    Fault(
        "the default stream is not preferred",
        "soundnet_tf/media/streams.py",
        "lambda stream: stream.disposition & Disposition.default",
        "lambda stream: True",
        _ODD,
    ),
    Fault(
        "a silent track or a preview is taken",
        "soundnet_tf/media/streams.py",
        "    streams = _preferred(streams, lambda stream: not is_small(stream))\n",
        "",
        _ODD,
    ),
    Fault(
        "a single picture is taken for the film",
        "soundnet_tf/media/streams.py",
        "        streams = _preferred(streams, lambda stream: count(stream) > 1)\n",
        "        pass\n",
        _ODD,
    ),
    Fault(
        "the loudest channel of a clip is that of another stream",
        "soundnet_tf/media/video.py",
        "sound = native_sound(track, window, channel, self._audio_stream)",
        "sound = native_sound(track, window, channel)",
        _ODD,
    ),
    Fault(
        "audio_stream does not reach a clip",
        "soundnet_tf/media/video.py",
        'numbers = {"audio_stream": audio_stream, "video_stream": video_stream}',
        'numbers = {"audio_stream": None, "video_stream": video_stream}',
        (
            "tests/media/test_odd_clips.py",
            "tests/data/test_clips.py",
        ),
    ),
    Fault(
        "pictures of a part are made out of the one before",
        "soundnet_tf/media/pictures.py",
        "            if self._begins_part(packet):",
        "            if False:",
        _ODD,
    ),
    Fault(
        "a picture stays on screen over a join",
        "soundnet_tf/media/pictures.py",
        "        if self._latest is None or self._latest[0] >= part_secs - _CLOCK_TICK_SECS:",
        "        if True:",
        _ODD,
    ),
    Fault(
        "streams that follow each other are read as one",
        "soundnet_tf/media/layout.py",
        "    return bool(some.order[-_INTERLEAVED_PACKETS] < others.order[0])",
        "    return False",
        _ODD,
    ),
    Fault(
        "the manifest's streams are those of the default",
        "soundnet_tf/data/clips.py",
        "info = media.probe(video.path, cutting.audio_stream, cutting.video_stream)",
        "info = media.probe(video.path)",
        ("tests/data/test_clips.py",),
    ),
    Fault(
        "a clip is cut of the default streams",
        "soundnet_tf/data/clips.py",
        "run.video.path, starts_secs[0], cutting.audio_stream, cutting.video_stream",
        "run.video.path, starts_secs[0]",
        ("tests/data/test_clips.py",),
    ),
    Fault(
        "the loudest channel is that of the window",
        "soundnet_tf/media/native_sound.py",
        "column = loudest_channel(track.path, audio_stream) if channel == LOUDEST else channel",
        "column = channel",
        _ODD,
    ),
    Fault(
        "no word of channels that cancel out",
        "soundnet_tf/media/timeline.py",
        "return self._is_lost and not self._is_heard",
        "return False",
        _ODD,
    ),
    Fault(
        "what follows on lost packets follows on what was before",
        "soundnet_tf/media/native_sound.py",
        "            anew = anew or frames is None\n",
        "",
        _ODD,
    ),
    Fault(
        "a search in joined parts counts packets from the beginning",
        "soundnet_tf/media/track.py",
        "return layout.restamped(itertools.chain([packet], packets), {kind: index})",
        "return layout.restamped(itertools.chain([packet], packets))",
        _ODD,
    ),
    Fault(
        "parts are joined though they begin at different places of the file",
        "soundnet_tf/media/joins.py",
        "if _span_secs(stamps, min(orders), max(orders)) > _INTERLEAVED_SECS:",
        "if False:",
        _JOINS,
    ),
    Fault(
        "a slide after the sound has ended is a jump of the clock",
        "soundnet_tf/media/joins.py",
        'if "audio" in part and _is_empty(behind["audio"]):',
        "if False:",
        _JOINS,
    ),
    Fault(
        "sound and picture are of two programmes",
        "soundnet_tf/media/streams.py",
        'several = container.format.name == "mpegts" and len(pictures) > 1',
        "several = False",
        _ODD,
    ),
    Fault(
        "bytes of PCM are compared with those of AAC",
        "soundnet_tf/media/streams.py",
        "alike = [s for s in streams if is_video or _codec(s) == _codec(stream)]",
        "alike = streams",
        _ODD,
    ),
    Fault(
        "a part of another codec ends the sound",
        "soundnet_tf/media/native_sound.py",
        "if track.layout.is_joined and in_a_row > _MOST_LOST:",
        "if False:",
        _ODD,
    ),
    Fault(
        "what lies long before FFmpeg's start time is lost",
        "soundnet_tf/media/layout.py",
        "return start_secs if earliest_secs > start_secs - _LONGEST_DELAY_SECS else",
        "return start_secs if True else",
        _ODD,
    ),
    Fault(
        "recognize hears the default stream, whichever was asked for",
        "bin/recognize.py",
        "config.short, config.audio_stream",
        "config.short",
        ("tests/serving/test_commands.py",),
    ),
    Fault(
        "--checksum of bin/finetune.py reaches nothing",
        "bin/finetune.py",
        "config.out, config.checksum",
        "config.out",
        ("tests/finetuning/test_folder.py",),
    ),
)

FAULTS = (
    *MEDIA,
    *ARRAYS,
    *TRAINING,
    *DATA,
    *MODELS,
    *FINETUNING,
    *SERVING,
    *EVALUATION,
    *COMMANDS,
    *FILES,
)
