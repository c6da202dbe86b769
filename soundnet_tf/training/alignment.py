"""Which moment of the film each output step of the student hears, and what the teacher saw then.

The eight-layer heads of a 20 s clip are centred at 4.7, 7.7, 10.7 and 13.7 s, the frames stand at
0, 5, 10 and 15 s: pairing by index, as the paper did, is up to 4.7 s off. By time, each step gets
the teacher's posterior interpolated between the two frames around the step's centre.
"""

import tensorflow as tf

from soundnet_tf.training.settings import INDEX, TIME


def step_centres_secs(first_centre_secs: float, hop_secs: float, steps: int) -> tf.Tensor:
    """float32 [steps]: the moments, from the clip's start, on which a head's steps are centred."""
    return tf.constant(first_centre_secs, tf.float32) + hop_secs * tf.range(steps, dtype=tf.float32)


def align(posteriors, frame_secs, frame_mask, centres_secs, clip_secs, mode: str = TIME):
    """Gives every output step its target.

    Args:
        posteriors: float32 [batch, frames, classes], what a teacher saw in each frame.
        frame_secs: float32 [batch, frames], times from the clip's start, rising while valid.
        frame_mask: bool [batch, frames]; valid frames come first.
        centres_secs: float32 [steps], the steps' moments from the clip's start.
        clip_secs: float32 [batch], how much of the waveform is sound and not padding.
        mode: "time", interpolated at each step's moment (before the first and after the last frame,
            that frame's posterior), or "index", frame i to step i (released code).

    Returns:
        targets: float32 [batch, steps, classes]; zeros where a step has none.
        step_mask: bool [batch, steps]; False where a step is centred beyond the sound ("time"), or
            has no frame of its index ("index"), or the clip has no valid frame at all.

    Raises:
        ValueError: an unknown mode.
    """
    posteriors, frame_secs, frame_mask, centres_secs, clip_secs = map(
        tf.convert_to_tensor, (posteriors, frame_secs, frame_mask, centres_secs, clip_secs)
    )
    if mode == TIME:
        weights = interpolation_weights(frame_secs, frame_mask, centres_secs)
        step_mask = (centres_secs[None, :] < clip_secs[:, None]) & frame_mask[:, :1]
    elif mode == INDEX:
        steps, frames = tf.size(centres_secs), tf.shape(frame_mask)[1]
        weights = tf.eye(steps, frames, batch_shape=[tf.shape(frame_mask)[0]])
        missing = tf.maximum(steps - frames, 0)
        step_mask = tf.pad(frame_mask, [[0, 0], [0, missing]])[:, :steps]
    else:
        raise ValueError(f"alignment {mode!r} is unknown; choose one of {TIME}, {INDEX}")
    weights *= tf.cast(step_mask, tf.float32)[..., None]
    return tf.matmul(weights, posteriors), step_mask


def interpolation_weights(frame_secs, frame_mask, centres_secs) -> tf.Tensor:
    """Weights of linear interpolation in time, as a matrix from frames to steps.

    Args: as `align`.

    Returns:
        float32 [batch, steps, frames]; rows sum to one wherever the clip has a valid frame.
    """
    frames = tf.shape(frame_secs)[1]
    valid = tf.reduce_sum(tf.cast(frame_mask, tf.int32), axis=1)  # [batch]
    last = tf.maximum(valid - 1, 0)[:, None]
    begun = frame_mask[:, None, :] & (frame_secs[:, None, :] <= centres_secs[None, :, None])
    begun = tf.reduce_sum(
        tf.cast(begun, tf.int32), axis=2
    )  # [batch, steps] frames up to the moment
    before = tf.clip_by_value(begun - 1, 0, last)
    after = tf.minimum(begun, last)
    before_secs = tf.gather(frame_secs, before, batch_dims=1)
    after_secs = tf.gather(frame_secs, after, batch_dims=1)
    # Equal indices (before the first or after the last frame) have no gap: all weight on `before`.
    share = tf.math.divide_no_nan(centres_secs[None, :] - before_secs, after_secs - before_secs)
    share = tf.where(after == before, 0.0, share)[..., None]
    weights = (1 - share) * tf.one_hot(before, frames) + share * tf.one_hot(after, frames)
    return weights * tf.cast(valid > 0, tf.float32)[:, None, None]
