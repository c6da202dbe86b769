"""Sounds with other videos' pictures: what the figures are where sound says nothing.

A network that learned its clips by heart answers held-out sounds confidently and at random: its KL
is far above a constant answer's, whether or not it heard anything. What tells the two apart is how
much better a sound fits its own pictures than those of other videos.
"""

import keras
import tensorflow as tf

GROUPS = 64  # of videos: pairs are between groups, so that sums are enough
FEWEST = 5  # groups, from which a standard error is told


def other_videos_targets(targets, video: tf.Tensor, mixed: bool = False):
    """Gives every clip of a batch the targets of the next one that is of another video, if there is
    one of another video than the two clips beside it too: `mixing` lays the next clip's sound over
    each, and were its own targets laid over it as well, they would be a true pair.

    Args:
        targets: head to (float32 [batch, steps, classes], bool [batch, steps]).
        video: string [batch].
        mixed: whether clips are mixed afterwards, so that those beside them must not be taken.

    Returns:
        The same of other clips; no step is valid for a clip for which there is none.
    """
    count = tf.size(video)
    turned = (tf.range(count)[:, None] + 1 + tf.range(count)[None, :]) % count  # [batch, batch]
    candidates = tf.gather(video, turned)
    beside = [tf.roll(video, shift, axis=0)[:, None] for shift in (1, -1)]
    is_other = candidates != video[:, None]
    is_apart = is_other & (candidates != beside[0]) & (candidates != beside[1])
    fits = is_apart if mixed else is_other
    first = tf.argmax(tf.cast(is_apart, tf.int32) + tf.cast(is_other, tf.int32), axis=1)
    other = tf.gather(turned, first, batch_dims=1)
    there_is = tf.reduce_any(fits, axis=1, keepdims=True)
    return {
        head: (tf.gather(posteriors, other), tf.gather(mask, other) & there_is)
        for head, (posteriors, mask) in targets.items()
    }


class ShuffledPairs(keras.metrics.Metric):
    """KL(teacher || student) of all pairs of one video's sound and another video's pictures.

    Videos fall into GROUPS by a hash of their names, and every step of every clip is paired with
    every one of the other groups. Of all these pairs the mean is, exactly,

        mean(Σ_c p log p) - Σ_c mean(p) mean(log q),

    so sums over each group are all that is kept, however many clips there are.

    `result` is a dict of `shuffled_<head>`, that mean in nats a step, and `hears_<head>`, by how
    much it is above the KL of true pairs, in standard errors over the groups: noise is within 2 of
    0. Each group counts by its targets, with its own sounds and with all others', so that it does
    not matter how sure its teacher was. The first is NaN where all clips fall into one group, the
    second where there are fewer than FEWEST.

    Args:
        head: whose figures they are.
        classes: of the head.
    """

    def __init__(self, head: str, classes: int):
        super().__init__(name=f"shuffled_{head}", dtype="float32")
        self._head = head

        def sums(name, *shape):
            return self.add_weight(shape=(GROUPS, *shape), initializer="zeros", name=name)

        self._steps, self._negative_entropy, self._own_kl = map(sums, ("steps", "entropy", "own"))
        self._posteriors = sums("posteriors", classes)
        self._answers = sums("answers", classes)

    def update_state(self, posteriors, logits, mask, video):
        """Adds a batch: float32 and any float [batch, steps, classes], bool [batch, steps], string
        [batch]."""
        group = tf.strings.to_hash_bucket_fast(video, GROUPS)
        valid = tf.cast(mask, tf.float32)[..., None]
        answers = tf.nn.log_softmax(tf.cast(logits, tf.float32)) * valid
        posteriors = tf.cast(posteriors, tf.float32) * valid
        negative_entropy = tf.math.xlogy(posteriors, posteriors)
        own_kl = negative_entropy - tf.math.multiply_no_nan(answers, posteriors)
        for variable, values, axes in (
            (self._steps, valid, [1, 2]),
            (self._negative_entropy, negative_entropy, [1, 2]),
            (self._own_kl, own_kl, [1, 2]),
            (self._posteriors, posteriors, [1]),
            (self._answers, answers, [1]),
        ):
            sums = tf.reduce_sum(values, axes)
            variable.assign_add(tf.math.unsorted_segment_sum(sums, group, GROUPS))

    def result(self):
        steps, entropy, own = (
            tf.convert_to_tensor(v) for v in (self._steps, self._negative_entropy, self._own_kl)
        )
        posteriors, answers = map(tf.convert_to_tensor, (self._posteriors, self._answers))
        others = tf.reduce_sum(steps) - steps  # [GROUPS], whose sounds are paired with the group
        theirs = tf.reduce_sum(answers, 0) - answers
        pairs = others * steps
        total = others * entropy - tf.reduce_sum(posteriors * theirs, axis=1)
        is_there = tf.where(pairs > 0)[:, 0]
        gaps = tf.gather(total / pairs - own / steps, is_there)
        groups = tf.cast(tf.size(gaps), tf.float32)
        mean = tf.reduce_sum(gaps) / groups
        variance = tf.reduce_sum((gaps - mean) ** 2) / (groups - 1)
        error = tf.where(groups >= FEWEST, tf.sqrt(variance / groups), float("nan"))
        return {
            f"shuffled_{self._head}": tf.reduce_sum(total) / tf.reduce_sum(pairs),
            f"hears_{self._head}": mean / error,
        }
