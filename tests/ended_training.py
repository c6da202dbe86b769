"""bin/train.py that sends itself a signal once it has done so many steps, for tests to end it:
`python ended_training.py SIGTERM 8 FLAGS`. Who looks from outside may see a fast run too late."""

import os
import runpy
import signal
import sys

from soundnet_tf.training import resuming


def main(name: str, last_step: str, *flags: str) -> None:
    """Runs it with these flags."""
    after_step = resuming.Backup.on_train_batch_end

    def ended(self, batch, logs=None):
        after_step(self, batch, logs)
        if self.steps_done == int(last_step):
            os.kill(os.getpid(), signal.Signals[name])

    resuming.Backup.on_train_batch_end = ended
    sys.argv[1:] = flags
    runpy.run_module("soundnet_tf.bin.train", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
