"""Labelled sets without files, for what looks at labels and folds only."""

import dataclasses

import numpy as np

from soundnet_tf.sounds.labelled_set import LabelledClip, LabelledSet


def toy_set(folds=("1", "2", "3"), per_fold=(2, 2, 2), name="toy"):
    """In every fold `per_fold[i]` clips of class i, "a", "b", ... in turn."""
    classes = tuple("abcdefgh"[: len(per_fold)])
    clips = tuple(
        LabelledClip(f"{fold}{label}{k}.wav", label, fold)
        for fold in folds
        for label, count in zip(classes, per_fold, strict=True)
        for k in range(count)
    )
    return LabelledSet(name, classes, clips)


def relabelled(data, fold):
    """The set with each label of one fold moved on to the next class."""
    following = dict(zip(data.classes, (*data.classes[1:], data.classes[0]), strict=True))
    clips = tuple(
        dataclasses.replace(clip, label=following[clip.label]) if clip.fold == fold else clip
        for clip in data.clips
    )
    return dataclasses.replace(data, clips=clips)


def noisy_steps(data, steps, channels, strength=0.0, seed=0):
    """Noise, float32 [clips, steps, channels], and in channel i `strength` more for class i."""
    noise = np.random.default_rng(seed).normal(size=(len(data.clips), steps, channels))
    return np.float32(noise + strength * np.eye(channels)[data.labels][:, None])
