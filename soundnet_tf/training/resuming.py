"""Checkpoints within an epoch, and how a run ends that is asked to."""

import signal
import threading
import time
from collections.abc import Callable

from soundnet_tf.training import monitor, stopping
from soundnet_tf.training.cluster import Cluster
from soundnet_tf.training.stopping import Stopped

EVERY_SECS = 300.0  # from one checkpoint to the next, unless steps are given
_ASK_EVERY_STEPS = 8  # several processes agree so often on what they have been asked


class Backup(monitor.Backup):
    """Keeps weights, the optimizer's state and the means of the epoch so far: after every epoch,
    every so many steps or minutes, and when a process is asked to end (SIGTERM), after which all
    raise Stopped.

    Args:
        folder: is made if need be.
        steps_per_epoch: after an epoch's last step its end comes first, and then the checkpoint.
        cluster: whose processes all have such a callback; one of them writes.
        every_steps: from one to the next within an epoch; None: EVERY_SECS.

    Attributes:
        before_keeping: is called in the process that writes, for what has to be on the disk when a
            checkpoint is.
    """

    def __init__(
        self, folder: str, steps_per_epoch: int, cluster: Cluster, every_steps: int | None = None
    ):
        super().__init__(folder, steps_per_epoch)
        self._cluster, self._every_steps = cluster, every_steps
        self._kept_at_secs, self._is_to_end = time.monotonic(), False
        self.before_keeping: Callable[[], None] = lambda: None

    def on_train_begin(self, logs=None):
        self._kept_at_secs = time.monotonic()
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.signal(signal.SIGTERM, self._on_signal)
        self._is_to_end |= stopping.is_asked()

    def on_train_end(self, logs=None):
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._handler)

    def _on_signal(self, *_):
        self._is_to_end = True

    def on_train_batch_end(self, batch, logs=None):
        step = self.steps_done
        if step % self.steps_per_epoch == 0:
            return
        is_alone = self._cluster.share.count == 1
        if is_alone or step % _ASK_EVERY_STEPS == 0:
            self._answer(self._every_steps is None)
        if self._every_steps is not None and step % self._every_steps == 0:
            self.keep()

    def on_epoch_end(self, epoch, logs=None):
        self.keep()
        self._answer(False)

    def _answer(self, by_time: bool):
        """Does what any of the processes was asked to do, or what it is time for."""
        is_late = time.monotonic() - self._kept_at_secs >= EVERY_SECS
        if self._cluster.any(self._is_to_end):
            self.keep()
            raise Stopped("stopped; all that was done is kept, and the same command goes on")
        if by_time and self._cluster.any(is_late):
            self.keep()

    def keep(self):
        self.model.keep_means()  # of all processes
        if self._cluster.is_chief:
            self.before_keeping()
            super().keep()
        self._kept_at_secs = time.monotonic()
