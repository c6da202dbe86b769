"""Distillation in NumPy, double precision: what a student's figures over some clips must be."""

import numpy as np
import numpy_soundnet
from scipy.special import log_softmax, softmax

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.models.architecture import SOUNDNET5


def heard(clip, crop_secs, every_secs, short):
    """The sound of the first crop, float64 [samples], alone, and its frames' numbers and times."""
    sound = np.frombuffer(clip.audio, "<i2") / 32768
    secs = np.array(clip.frame_secs)
    numbers = np.arange(len(secs))
    size = round(crop_secs * SAMPLE_RATE)
    if len(sound) < size and short == "loop":
        period = int(np.ceil(len(sound) / (every_secs * SAMPLE_RATE))) * every_secs
        turns = int(np.ceil(crop_secs / period))
        once = np.pad(sound, (0, round(period * SAMPLE_RATE) - len(sound)))
        sound, numbers = np.tile(once, turns), np.tile(numbers, turns)
        secs = np.concatenate([secs + turn * period for turn in range(turns)])
    return sound[:size], numbers[secs < crop_secs], secs[secs < crop_secs]


def targets(clip, crop_secs, every_secs, short="loop", alignment="time"):
    """Head to [valid steps, classes] that SoundNet-5 has to give for the clip's first crop."""
    sound, numbers, secs = heard(clip, crop_secs, every_secs, short)
    samples = round(crop_secs * SAMPLE_RATE)
    centres = SOUNDNET5.heads.centre_secs(np.arange(SOUNDNET5.output_length("heads", samples)))
    centres = centres[centres < len(sound) / SAMPLE_RATE]
    wanted = {}
    for head, posteriors in clip.posteriors.items():
        seen = posteriors.values.astype(np.float64)[numbers]
        if not len(seen):
            wanted[head] = seen
        elif alignment == "index":
            wanted[head] = seen[: len(centres)]
        else:
            columns = [np.interp(centres, secs, column) for column in seen.T]
            wanted[head] = np.stack(columns, axis=-1)
    return wanted


def divergence(p, logits, temperature=1.0):
    """T^2 KL(p^(1/T) / sum || softmax(z / T)) of every step; 0 log 0 is 0."""
    p = p ** (1 / temperature)
    p = p / p.sum(-1, keepdims=True)
    log_p = np.log(np.where(p > 0, p, 1.0))
    return temperature**2 * np.sum(p * (log_p - log_softmax(logits / temperature, -1)), -1)


def figures(student, clips, crop_secs, every_secs, short="loop", alignment="time", **config):
    """The distiller's metrics over all valid steps of `clips`, each heard alone.

    Args:
        student: a SoundNet-5.
        config: fields of `DistillConfig`.
    """
    logits, wanted = {}, {}
    for clip in clips:
        sound, _, _ = heard(clip, crop_secs, every_secs, short)
        outputs = numpy_soundnet.forward(student, sound)
        for head, target in targets(clip, crop_secs, every_secs, short, alignment).items():
            logits.setdefault(head, []).extend(outputs[head][: len(target)])
            wanted.setdefault(head, []).extend(target)
    return compare({h: np.array(v) for h, v in wanted.items()}, logits, **config)


def compare(wanted, logits, loss="kl", reduction="mean", temperature=1.0, weights=None):
    """Metrics of heads' targets and logits, [steps, classes] each."""
    results = {"loss": 0.0}
    for head, p in wanted.items():
        z = np.array(logits[head])
        assert p.shape == z.shape
        results[f"kl_{head}"] = divergence(p, z).mean()
        results[f"agreement_{head}"] = np.mean(p.argmax(-1) == z.argmax(-1))
        l2 = np.sum((p - softmax(z, -1)) ** 2, -1)
        steps = divergence(p, z, temperature) if loss == "kl" else l2
        scale = 250 / (len(wanted) * p.shape[-1]) if reduction == "paper" else 1.0
        results["loss"] += (weights or {}).get(head, 1.0) * scale * steps.mean()
    return results
