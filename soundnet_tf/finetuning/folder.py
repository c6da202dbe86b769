"""The file that says which fine-tuning run a folder holds."""

import dataclasses
import hashlib
import json
import os

import keras
import tensorflow as tf

from soundnet_tf.finetuning.settings import FinetuneConfig
from soundnet_tf.models import checkpoint
from soundnet_tf.sounds.labelled_set import LabelledSet
from soundnet_tf.training.loop import RUN_FILE
from soundnet_tf.version import __version__


def _settings(config: FinetuneConfig, data: LabelledSet) -> dict:
    """What makes two runs the same one."""
    rows = [f"{os.path.basename(clip.path)},{clip.label},{clip.fold}" for clip in data.clips]
    return dataclasses.asdict(config) | {
        "layers": list(config.layers),  # as JSON gives it back
        "data": data.name,
        "clips": len(rows),
        "fingerprint": hashlib.sha256("\n".join(rows).encode()).hexdigest(),
    }


def write_run(out: str, config: FinetuneConfig, data: LabelledSet) -> None:
    """Writes `run.json`: versions, settings, data."""
    run = {
        "soundnet_tf": __version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "settings": _settings(config, data),
        "classes": data.classes,
    }
    tf.io.gfile.makedirs(out)
    checkpoint.write_json(os.path.join(out, RUN_FILE), run)


def check_folder(out: str, config: FinetuneConfig, data: LabelledSet) -> None:
    """ValueError if another run is in `out`."""
    settings = _settings(config, data)
    path = os.path.join(out, RUN_FILE)
    if not tf.io.gfile.exists(path):
        return
    with tf.io.gfile.GFile(path) as file:
        old = json.load(file).get("settings", {})
    changed = [
        f"{name} was {old.get(name)}, now {settings.get(name)}"
        for name in sorted(old.keys() | settings.keys())
        if old.get(name) != settings.get(name)
    ]
    if changed:
        raise ValueError(
            f"{out} holds another run ({'; '.join(changed)}); choose another out folder, or go on "
            "with the settings of that run"
        )
