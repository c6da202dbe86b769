"""Settings of runs for TensorBoard's HParams, where runs in one folder are compared by them."""

import dataclasses
import os
from collections.abc import Iterable, Mapping

import tensorflow as tf
from tensorboard.plugins.hparams import api as hp

from soundnet_tf.files import storage
from soundnet_tf.files.mirror import Mirror
from soundnet_tf.settings import Setting, Settings, known

Value = bool | int | float | str
_SUFFIX = ".hparams"  # of the event file


def of_settings(settings: Settings) -> dict[str, Value]:
    """All settings, also those in others, by the names of their flags (a field's own name if it has
    none); what is not a number, a string or a truth becomes a text."""
    found: dict[str, Value] = {}
    for field in dataclasses.fields(settings):
        value, declared = getattr(settings, field.name), known(field)
        if isinstance(value, Settings):
            found |= of_settings(value)
        elif isinstance(declared, Mapping):  # a flag for each head
            for head, of_head in declared.items():
                found[of_head.flag or head] = _plain(value.get(head))
        else:
            is_flag = isinstance(declared, Setting) and declared.flag
            found[declared.flag if is_flag else field.name] = _plain(value)
    return found


def _plain(value) -> Value:
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return "none" if value is None else str(value)


def write(
    log_dir: str, values: Mapping[str, Value], metrics: Iterable[tuple[str, str]], trial: str
) -> None:
    """Writes the settings of a run, in place of what an earlier start of it wrote.

    Args:
        log_dir: of the run, local or remote.
        values: of the settings.
        metrics: folder below log_dir and name of the figures that runs are compared by.
        trial: tells this run from others that have the same settings.
    """
    for path in storage.glob(os.path.join(log_dir, f"events.out.tfevents.*{_SUFFIX}")):
        storage.remove(path)
    logs = Mirror(log_dir)
    writer = tf.summary.create_file_writer(logs.local, filename_suffix=_SUFFIX)
    with writer.as_default(step=0):
        hp.hparams_config(
            hparams=[hp.HParam(name) for name in values],
            metrics=[hp.Metric(name, group=folder) for folder, name in metrics],
        )
        hp.hparams(dict(values), trial_id=trial)
    writer.close()
    logs.send()
