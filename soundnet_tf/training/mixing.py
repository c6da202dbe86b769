"""Two clips heard at once, and seen at once: what is between the training clips.

As between-class learning has it (Tokozume, Ushiku, Harada, ICLR 2018): a target of so many parts of
one clip goes with a sound in which that clip is so loud, whatever the two recordings' own levels.
"""

import tensorflow as tf

_SILENT = 1e-4  # RMS, -80 dBFS: cannot be brought to another sound's level


def mix(
    waveform: tf.Tensor,
    targets,
    share: float,
    seed: tf.Tensor,
    lengths: tf.Tensor | None = None,
):
    """Mixes some clips of a batch with the next one, each by its own drawn part.

    Args:
        waveform: float32 [batch, samples].
        targets: head to (float32 [batch, steps, classes], bool [batch, steps]).
        share: of the clips that are mixed, on average.
        seed: integer [2].
        lengths: int32 [batch], samples of sound, behind which there is padding; None: all.

    Returns:
        The sound, float32 [batch, samples], of about the power of a single clip, and the targets. A
        step is valid if it is in both clips.
    """
    clips = tf.shape(waveform)[0]
    drawn, part = tf.unstack(tf.random.stateless_uniform([2, clips], seed))
    other = tf.roll(waveform, -1, axis=0)
    level = _rms(waveform, lengths)
    other_level = tf.roll(level, -1, axis=0)
    is_mixed = (drawn < share) & (tf.minimum(level, other_level) > _SILENT)
    part = tf.where(is_mixed, part, 1.0)  # of the clip itself, in the target
    gain = part * other_level / (part * other_level + (1 - part) * level)  # brings both to a level
    gain = tf.where(is_mixed, gain, 1.0)[:, None]
    loudness = tf.sqrt(gain**2 + (1 - gain) ** 2)
    mixed = (gain * waveform + (1 - gain) * other) / loudness
    part = part[:, None, None]

    def blended(posteriors, mask):
        is_valid = mask & (tf.roll(mask, -1, axis=0) | (part[..., 0] == 1.0))
        return part * posteriors + (1 - part) * tf.roll(posteriors, -1, axis=0), is_valid

    return mixed, {head: blended(*target) for head, target in targets.items()}


def _rms(waveform: tf.Tensor, lengths: tf.Tensor | None) -> tf.Tensor:
    """float32 [batch]; what lies behind a clip's sound is 0 and is not counted."""
    samples = tf.shape(waveform)[1] if lengths is None else tf.maximum(lengths, 1)
    return tf.sqrt(tf.reduce_sum(tf.square(waveform), axis=1) / tf.cast(samples, tf.float32))
