"""What a training step has in common over all replicas, be they GPUs or workers of
`tf.distribute`: a step of several is that of one which has the whole batch.

To be called within `Strategy.run`; with a single replica nothing is sent.
"""

from collections.abc import Sequence

import tensorflow as tf

_SENT_ALONE = 1 << 18  # numbers of a tensor, a megabyte: what is smaller waits for others


def count() -> int:
    """How many replicas share a batch."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def total(values):
    """The sum over replicas of a tensor, or of each of a list; gradients go through it."""
    if count() == 1:
        return values
    return _context().all_reduce(tf.distribute.ReduceOp.SUM, values)


def of_all(x: tf.Tensor) -> tf.Tensor:
    """All replicas' tensors [batch, ...], one after the other. Without gradients."""
    return x if count() == 1 else _context().all_gather(x, axis=0)


def mine(x: tf.Tensor) -> tf.Tensor:
    """This replica's part of what is laid out as `of_all` gives it."""
    if count() == 1:
        return x
    size = tf.shape(x)[0] // count()
    begin = tf.cast(_context().replica_id_in_sync_group, tf.int32) * size
    return x[begin : begin + size]


def next_clip(x: tf.Tensor) -> tf.Tensor:
    """For each clip of the whole batch the one after it, and the first for the last; of
    [batch, ...] the part that is this replica's."""
    if count() == 1:
        return tf.roll(x, -1, axis=0)
    firsts = of_all(x[:1])  # one clip of each replica is all that has to be sent
    ours = (tf.cast(_context().replica_id_in_sync_group, tf.int32) + 1) % count()
    return tf.concat([x[1:], firsts[ours][None]], axis=0)


def moments(
    mean: tf.Tensor, variance: tf.Tensor, counted: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and variance of all replicas' numbers, from those of each.

    Args:
        mean, variance: float32 [channels], the variance biased.
        counted: how many numbers a channel has here.

    Returns:
        float32 [channels] each. Sums are taken in float64: a variance is a small difference of
        them.
    """
    if count() == 1:
        return mean, variance
    number, of_mean, of_variance = (tf.cast(x, tf.float64) for x in (counted, mean, variance))
    sums = [number[None], number * of_mean, number * (of_variance + of_mean**2)]
    number, first, second = tf.split(total(tf.concat(sums, 0)), [1, *[mean.shape[0]] * 2])
    of_all_mean = first / number
    of_all_variance = second / number - of_all_mean**2
    return tf.cast(of_all_mean, tf.float32), tf.cast(of_all_variance, tf.float32)


def gradients(of_variables: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Their sums over replicas. Small ones are sent as one, large ones each by itself and as soon
    as it is known: the heads' travel while those of the layers below are computed."""
    if count() == 1:
        return list(of_variables)
    small = iter(_total_as_one([gradient for gradient in of_variables if _is_small(gradient)]))
    return [next(small) if _is_small(gradient) else total(gradient) for gradient in of_variables]


def _is_small(x: tf.Tensor) -> bool:
    return x.shape.num_elements() < _SENT_ALONE


def _total_as_one(tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    flat = total(tf.concat([tf.reshape(x, [-1]) for x in tensors], axis=0))
    parts = tf.split(flat, [x.shape.num_elements() for x in tensors])
    return [tf.reshape(part, x.shape) for part, x in zip(parts, tensors, strict=True)]


def _context() -> tf.distribute.ReplicaContext:
    return tf.distribute.get_replica_context()
