"""What stands in TensorBoard's event files, read back record by record."""

import io
import os
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image
from tensorboard.plugins.hparams import plugin_data_pb2


def events(folder):
    """All events of a folder's files, in the order in which they were written."""
    for path in sorted(Path(folder).glob("events.out.tfevents.*"), key=os.path.getmtime):
        for serialized in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            yield tf.compat.v1.Event.FromString(serialized)


def points(folder):
    """Tag to (step, value) in the order written; values as NumPy has them."""
    found = {}
    for event in events(folder):
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, tf.make_ndarray(value.tensor)))
    return found


def steps(folder):
    """Tag to the steps at which it stands, in the order written."""
    return {tag: [step for step, _ in found] for tag, found in points(folder).items()}


def latest(folder, tag):
    """The value that was written last."""
    return points(folder)[tag][-1][1]


def text(folder, tag):
    return latest(folder, tag).item().decode()


def pixels(folder, tag):
    """uint8 [height, width, 3] of the only picture."""
    width, height, png = latest(folder, tag)
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    assert picture.shape == (int(height), int(width), 3)
    return picture


def histogram(folder, tag):
    """float64 [buckets, 3]: from, to, how many."""
    return latest(folder, tag)


def hparams(folder):
    """Settings by name, and (folder, name) of the metrics, of a run's logs."""
    values, metrics = {}, []
    for event in events(folder):
        for value in event.summary.value:
            data = plugin_data_pb2.HParamsPluginData.FromString(value.metadata.plugin_data.content)
            for name, given in data.session_start_info.hparams.items():
                assert name not in values
                values[name] = getattr(given, given.WhichOneof("kind"))
            metrics += [(m.name.group, m.name.tag) for m in data.experiment.metric_infos]
    return values, metrics
