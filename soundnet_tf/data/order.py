"""Which clip comes when: pass after pass over all of them, each in an order that seed and pass
decide.

Nothing else does: not how many processes share the work, not where a run was left. So any step of
any run can be gone to at once, and nothing has to be held in memory to be mixed. Batches go on over
the end of a pass: every clip is seen equally often.
"""

from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True)
class Share:
    """A process's part of the work: of `count` equal parts number `index`, from 0."""

    index: int = 0
    count: int = 1

    def of(self, batch_size: int) -> int:
        """How many clips of a batch are this share's.

        Raises:
            ValueError: the batch cannot be divided.
        """
        if batch_size % self.count:
            raise ValueError(
                f"a batch of {batch_size} cannot be divided among {self.count} workers; make it a "
                f"multiple of {self.count}"
            )
        return batch_size // self.count


ALL = Share()


def of_pass(clips: int, seed: int, number: tf.Tensor) -> tf.Tensor:
    """All numbers of clips in the order of one pass, int64 [clips].

    Args:
        clips: how many there are.
        seed: of the run.
        number: of the pass, int64 [].
    """
    return tf.random.experimental.stateless_shuffle(
        tf.range(clips, dtype=tf.int64), pair(seed, number), alg="philox"
    )


def places(number: tf.Tensor, clips: int, first: int, batch_size: int, share: Share) -> tf.Tensor:
    """Where in the run, counted in clips, those of a pass stand that are a share's, int64 [places].

    Args:
        number: of the pass, int64 [].
        clips: of a pass.
        first: earlier ones are left out.
        batch_size: of all shares together.
        share: whose they are.
    """
    all_places = number * clips + tf.range(clips, dtype=tf.int64)
    is_mine = all_places % batch_size // share.of(batch_size) == share.index
    return tf.boolean_mask(all_places, is_mine & (all_places >= first))


def pair(seed: int, number: tf.Tensor) -> tf.Tensor:
    """A seed as stateless operations take it, int64 [2]."""
    return tf.stack([tf.constant(seed, tf.int64), tf.cast(number, tf.int64)])
