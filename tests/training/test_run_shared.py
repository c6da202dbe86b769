"""What a run hands on to each of several processes, and to one that goes on with it."""

import cached_records as cached
import numpy as np
import pytest
import tensorflow as tf

from soundnet_tf.data.batch_settings import PipelineConfig
from soundnet_tf.data.order import Share
from soundnet_tf.training import baselines, loop, monitor, resuming, steps
from soundnet_tf.training.settings import TrainConfig

SEEN = {"objects": [0.5, 0.3, 0.2]}
BATCHES = PipelineConfig(batch_size=4, crop_secs=3.0, targets="cached")
CONFIG = TrainConfig(teachers={}, architecture="soundnet5", steps=6, pipeline=BATCHES, seed=3)


class Cluster:
    """One process of several, of which the others are only believed to be there."""

    def __init__(self, index=0, count=1, replicas_here=1):
        self.share, self.replicas_here = Share(index, count), replicas_here
        self.strategy, self.is_chief = tf.distribute.get_strategy(), index == 0

    def any(self, wish):
        return wish

    def check_alike(self, what, value):
        """There is no other to be unlike."""


class BegunError(Exception):
    """Ends a run where its first step would be."""


@pytest.fixture
def begun(monkeypatch, tmp_path):
    """A run of 12 clips, 7 held out, up to its first step: gives all that its loop is given."""

    def fit(*given):
        raise BegunError(*given)

    def begin(cluster=None, every=None):
        with monkeypatch.context() as patched, pytest.raises(BegunError) as caught:
            patched.setattr(steps, "fit", fit)
            patched.setattr(baselines, "measure_once", lambda *_: {})
            run(tmp_path, cluster, every)
        return caught.value.args

    return begin


def run(tmp_path, cluster=None, every=None):
    training, held_out = (
        cached.source(*(cached.clip(first + n, 3.0, SEEN) for n in range(count)))
        for first, count in ((0, 12), (100, 7))
    )
    out = str(tmp_path / "R")
    return loop.train(CONFIG, training, held_out, out, cluster=cluster, checkpoint_every=every)


def in_turn(batches):
    return [i for batch in ids(batches) for i in batch]


def ids(batches):
    return [[i.decode() for i in batch["id"].numpy()] for batch in batches]


def test_each_process_learns_and_judges_its_part(begun):
    """Of each batch, and by turns of the clips that are held out."""
    _, whole, held_out, *_ = begun()
    whole, held_out = ids(whole), in_turn(held_out)
    assert [len(batch) for batch in whole] == [4] * 6
    assert held_out == [f"clip{100 + n}" for n in range(7)]
    for index in (0, 1):
        _, batches, judged, *_ = begun(Cluster(index, 2))
        assert ids(batches) == [batch[2 * index : 2 * index + 2] for batch in whole]
        assert in_turn(judged) == held_out[index::2]


def test_each_device_of_a_process_has_its_part(begun):
    """Two of them, one after the other, so that twice as many batches come."""
    _, whole, *_ = begun()
    _, batches, _, end, *_ = begun(Cluster(replicas_here=2))
    assert end == 6
    parts = ids(batches)
    assert [a + b for a, b in zip(parts[::2], parts[1::2], strict=True)] == ids(whole)


def test_a_run_that_died_before_its_first_checkpoint_leaves_no_steps(begun, tmp_path):
    """Else TensorBoard would have them twice."""
    begun()
    writer = tf.summary.create_file_writer(str(tmp_path / "R" / "logs" / "train"))
    with writer.as_default():
        for step in (1, 2):
            tf.summary.scalar("loss", 1.0, step=step)
    writer.close()
    (path,) = (path for path in (tmp_path / "R" / "logs" / "train").iterdir() if points(path))
    begun()
    assert points(path) == []


def points(path):
    events = map(
        tf.compat.v1.Event.FromString, tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    )
    return [event.step for event in events if event.summary.value]


def test_a_run_keeps_checkpoints_and_goes_on_with_the_batch_that_is_next(
    begun, tmp_path, monkeypatch
):
    """Ended at the fifth of six steps, in the middle of its second epoch, the last checkpoint at
    the fourth: then come the fifth and sixth batch of a run that nobody ended."""
    _, whole, *_ = begun()
    kept, keep, took_part = [], monitor.Backup.keep, resuming.Backup.on_train_batch_end

    def counted(backup):
        kept.append(backup.steps_done)
        keep(backup)

    def ends(backup, batch, logs=None):
        took_part(backup, batch, logs)
        if backup.steps_done == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(monitor.Backup, "keep", counted)
        patched.setattr(resuming.Backup, "on_train_batch_end", ends)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, every=2)
    assert kept == [2, 3, 4]
    judge, rest, *_ = begun()
    assert ids(rest) == ids(whole)[4:]
    # One step of the epoch has been counted, of 4 clips with 1 step each.
    weights = judge.distiller.learned.sums.numpy()[:, 1]
    assert weights[0] > 0 and np.isin(weights, [weights[0], 1.0]).all()
