"""The file that says which fine-tuning run a folder holds."""

import dataclasses
import hashlib
import os

import keras
import tensorflow as tf

from soundnet_tf.files import atomic, claim, storage
from soundnet_tf.finetuning.settings import FinetuneConfig
from soundnet_tf.sounds.labelled_set import LabelledSet
from soundnet_tf.training.loop import RUN_FILE
from soundnet_tf.version import __version__


def write_run(out: str, config: FinetuneConfig, data: LabelledSet) -> None:
    """Writes `run.json`: versions, settings, data."""
    run = {
        "soundnet_tf": __version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "settings": _settings(config, data),
        "classes": data.classes,
    }
    storage.make_folder(out)
    atomic.write_json(os.path.join(out, RUN_FILE), run)


def check_folder(out: str, config: FinetuneConfig, data: LabelledSet) -> None:
    """ValueError if another run is in `out`."""
    if found := atomic.read_json(os.path.join(out, RUN_FILE)):
        claim.refuse_other(out, found.get("settings", {}), _settings(config, data))


def _settings(config: FinetuneConfig, data: LabelledSet) -> dict:
    """What makes two runs the same one."""
    rows = [f"{os.path.basename(clip.path)},{clip.label},{clip.fold}" for clip in data.clips]
    return dataclasses.asdict(config) | {
        "data": data.name,
        "clips": len(rows),
        "fingerprint": hashlib.sha256(os.fsencode("\n".join(rows))).hexdigest(),
    }
