"""Sound and vision: what each tells of labelled videos, and both together (the paper's table 7).

The paper took about 4000 videos of 44 categories and a linear SVM on sound, on vision and on both:
32.4, 49.4 and 51.4 percent with conv7. It says neither how a video became one vector nor how the
two were weighed. Here a video is the mean over time of a layer of the student, and the mean over
several frames of what the teacher's last layer is given; both are standardised on the training
folds, so that every channel weighs the same, and put side by side for "both".
"""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from soundnet_tf.evaluation import folds, paper_results, results, svm
from soundnet_tf.evaluation.settings import MODALITIES
from soundnet_tf.files import atomic, storage
from soundnet_tf.files.progress import progress_bar
from soundnet_tf.media import MediaError, probe, read_clip, stream_audio
from soundnet_tf.models.teachers.teacher import Teacher, load_teacher
from soundnet_tf.serving import listener
from soundnet_tf.sounds.labelled_set import LabelledSet

FRAMES = 8

_SVM = {  # C of the paper's SVMs
    "C": 0.01,
    "loss": "squared_hinge",
    "dual": True,
    "intercept_scaling": 1,
    "max_iter": 10_000,
}
_LONG_BYTES = 1 << 29  # of all folds' copies, times classes: about 6 s of one core


def evaluate(
    data: LabelledSet,
    model: str,
    teacher: str | None,
    layer: str = "conv7",
    frames: int = FRAMES,
    modalities: Sequence[str] = MODALITIES,
    progress: bool = True,
) -> dict:
    """Trains on all folds but one and tests on that, for every test fold and modality.

    Args:
        data: videos with sound.
        model: the student, as `models.pretrained.load` takes it.
        teacher: the spec of a vision network of Keras layers, see `models.teachers.teacher`. None
            if nothing is looked at.
        layer: endpoint of the student.
        frames: of each video that the teacher sees, evenly spread.
        modalities: some of MODALITIES. What they don't need is not loaded.
        progress: whether to show it on stderr.

    Returns:
        What was asked for, "chance" (the share of the most frequent class among the tested videos),
        "modalities": name to `results.figures`, and "seconds".

    Raises:
        ValueError: an unknown modality or layer, no frames, no teacher where one is needed, or
            what `load_teacher` and `Teacher.features` refuse.
        MediaError: a video that cannot be read, by name.
        FileNotFoundError: the model, the teacher or a video is not there.
    """
    start = time.perf_counter()
    unknown = [name for name in modalities if name not in MODALITIES]
    if unknown or not modalities:
        raise ValueError(f"modalities={list(modalities)}; choose some of {', '.join(MODALITIES)}")
    if frames < 1:
        raise ValueError(f"frames is {frames}; the teacher needs one or more")
    is_seen = bool({"vision", "both"} & set(modalities))
    if is_seen and not teacher:
        raise ValueError(
            f"modalities={list(modalities)} need a teacher that looks at the videos; give its "
            "spec, such as keras:VGG16"
        )
    features = {}
    if {"sound", "both"} & set(modalities):
        features["sound"] = _sound_features(data, model, layer, progress)
    if is_seen:
        features["vision"] = _vision_features(data, load_teacher(teacher), frames, progress)
    if "both" in modalities:
        features["both"] = np.concatenate([features["sound"], features["vision"]], axis=1)
    tested = np.concatenate([data.split(fold)[1] for fold in data.test_folds])
    return {
        "dataset": data.name,
        "videos": len(data.clips),
        "classes": list(data.classes),
        "model": model,
        "layer": layer,
        "teacher": teacher,
        "frames": frames,
        "chance": float(np.bincount(data.labels[tested]).max() / len(tested)),
        "modalities": {
            name: cross_validate(data, features[name], f"fitting {name}", progress)
            for name in modalities
        },
        "seconds": time.perf_counter() - start,
    }


def save(content: dict, folder: str) -> None:
    """Writes what `evaluate` gave as `results.json` into a folder, which is made if need be."""
    storage.make_folder(folder)
    atomic.write_json(os.path.join(folder, "results.json"), content)


def table(content: dict) -> str:
    """What `evaluate` gave as a Markdown table, the paper's figures beside it."""
    rows = [
        {
            "modality": name,
            "accuracy %": results.percent(figures),
            "paper %": paper_results.MODALITIES[name],
        }
        for name, figures in content["modalities"].items()
    ]
    floor = {"modality": "most frequent class", "accuracy %": f"{100 * content['chance']:.1f}"}
    return results.markdown([*rows, floor | {"paper %": None}])


def cross_validate(
    data: LabelledSet, features: np.ndarray, title: str = "fitting", progress: bool = True
) -> dict:
    """A linear SVM (liblinear, C = 0.01) on standardised features, tested on every test fold.

    Args:
        data: the set.
        features: float32 [clips, channels].
        title: of the bar.
        progress: whether to show it on stderr.

    Returns:
        As `results.figures`.
    """
    predictions = np.full(len(data.clips), -1)
    splits = [data.split(fold) for fold in data.test_folds]
    classes = folds.fit(
        svm.classify,
        features,
        [(train, data.labels[train], test, _SVM) for train, test in splits],
        title,
        progress,
        copy_bytes=8 * features.size,
        is_long=8 * features.size * len(splits) * len(data.classes) > _LONG_BYTES,
    )
    for (_, test), found in zip(splits, classes, strict=True):
        predictions[test] = found
    return results.figures(data, predictions)


def _sound_features(data: LabelledSet, model: str, layer: str, progress: bool) -> np.ndarray:
    heard = listener.load(model)
    heard.network.select([layer])

    def hear(path: str) -> np.ndarray:
        return heard.hear_pieces(stream_audio(path), [layer]).steps[layer].values.mean(axis=0)

    return _of_each(hear, data, "hearing", progress)


def _vision_features(
    data: LabelledSet, teacher: Teacher, frames: int, progress: bool
) -> np.ndarray:
    spec = tf.TensorSpec([1, None, None, None, 3], tf.uint8)
    features = tf.function(teacher.features, [spec], autograph=False).get_concrete_function()

    def see(path: str) -> np.ndarray:
        return features(tf.constant(squares(path, frames)[None])).numpy()[0].mean(axis=0)

    return _of_each(see, data, "seeing", progress)


def squares(path: str, count: int) -> np.ndarray:
    """The middle frames of `count` equal parts of a video, uint8 [frames, side, side, 3], cut to
    the centre square. There are fewer where the picture ends before the sound."""
    duration_secs = probe(path).duration_secs
    part_secs = duration_secs / count
    start_secs = part_secs / 2
    clip = read_clip(path, start_secs, duration_secs - start_secs, part_secs)
    if not clip.frames:
        raise MediaError(f"{path}: no picture after {start_secs:.3f} s; leave it out")
    height, width = clip.frames[0].shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.stack([f[top : top + side, left : left + side] for f in clip.frames])


def _of_each(
    function: Callable[[str], np.ndarray], data: LabelledSet, title: str, progress: bool
) -> np.ndarray:
    """float32 [clips, channels]: what `function` makes of each path."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # decoding leaves Python's lock
        vectors = threads.map(function, [clip.path for clip in data.clips])
        bar = progress_bar(len(data.clips), title, "video", progress, items=vectors)
        return np.stack(list(bar))
