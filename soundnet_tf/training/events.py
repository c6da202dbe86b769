"""TensorBoard's event files of a run that goes on where an earlier one was killed."""

import os

import tensorflow as tf

from soundnet_tf.data.elements import elements
from soundnet_tf.files import atomic, storage


def forget_after(folder: str, step: int) -> None:
    """Takes out of all event files in a folder and below what was written of later steps, so that
    none stands there twice once they are done again."""
    for path in sorted(storage.glob(os.path.join(folder, "*", "events.out.tfevents.*"))):
        kept, dropped = [], 0
        for serialized in _records(path):
            event = tf.compat.v1.Event.FromString(serialized)
            if event.step > step:
                dropped += 1
            else:
                kept.append(serialized)
        if dropped:
            with atomic.new_file(path) as temporary, tf.io.TFRecordWriter(temporary) as writer:
                for serialized in kept:
                    writer.write(serialized)


def _records(path: str):
    """Records up to the end, or to where a kill left one unfinished."""
    with storage.local(path) as local:
        iterator = elements(tf.data.TFRecordDataset(local))
        while True:
            try:
                yield next(iterator).numpy()
            except (StopIteration, tf.errors.DataLossError):
                return
