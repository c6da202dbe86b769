"""Did it learn? In words, by the figures of a run and of its controls."""

import math
from collections.abc import Mapping

from soundnet_tf.training import probe

LEARNED, FITS, NOTHING = "learned", "fits", "nothing"
SURE = 3.0  # standard errors, beyond which chance is not believed; those of few videos are rough

_NEXT = {
    LEARNED: "A run with --shuffled_pairs that learns less shows that seeing taught it.",
    FITS: "What it learned shows on its training clips only. More steps, more videos or more "
    "augmentation may help.",
    NOTHING: "Look at the videos, at the learning rate and at the number of steps.",
}
_TOO_FEW = "Hold out more videos (bin/prepare.py --val_fraction), or probe: so few cannot tell."
_CONTROL = "It was trained on shuffled pairs: whatever it learned, it does not owe to seeing."


def verdict(
    held_out: Mapping[str, float],
    training: Mapping[str, float],
    baselines: Mapping[str, Mapping[str, float]],
    probed: Mapping,
    is_control: bool = False,
) -> tuple[str, list[str]]:
    """What came of a run.

    Args:
        held_out, training: figures of the last student (`kl_*`, `shuffled_*`, `hears_*`, see
            `distiller`) on held-out clips and on clips that it was trained on, as they are.
        baselines: `kl_*` on held-out clips of the "constant" answer and of the network's "start".
        probed: what `probe.json` holds.
        is_control: whether it was trained on shuffled pairs.

    Returns:
        A word, and sentences that say why. LEARNED: the probe is surely better than an untrained
        network's; without labelled sounds, held-out sounds surely fit their own pictures better
        than other videos'. A network that was trained before has to have a head that fits so and
        has a lower held-out KL than at its start (new heads have that as soon as they know what
        is frequent), and, by the probe, to hear surely no worse. FITS: not that, but the sounds of
        training fit. NOTHING: neither.
    """
    constant, start = baselines["constant"], baselines["start"]
    heads = [name.removeprefix("kl_") for name in constant if name.startswith("kl_")]
    first, last = probed["rows"][0], probed["rows"][-1]
    was_trained = probed["from_trained"]
    before = start if was_trained else None
    reasons = [_of_head(head, held_out, constant, before) for head in heads]
    better = [h for h in heads if not was_trained or held_out[f"kl_{h}"] < start[f"kl_{h}"]]
    has_learned = _hears(held_out, better)
    if last["accuracy"]:
        knows_start = first["epoch"] == 0 and first["accuracy"]
        floor = first if knows_start else probed["untrained"]
        lead = probe.advantage(probed["rows"][-1], floor)
        reasons.insert(0, _of_probe(probed, floor, lead))
        has_learned = has_learned and lead > -SURE if was_trained else lead >= SURE
    word = LEARNED if has_learned else FITS if _hears(training, heads) else NOTHING
    next_step = _TOO_FEW if _are_too_few(held_out, heads) and not last["accuracy"] else _NEXT[word]
    return word, [*reasons, _CONTROL if is_control else next_step]


def _hears(figures: Mapping[str, float], heads: list[str]) -> bool:
    return any(figures[f"hears_{head}"] >= SURE for head in heads)  # NaN is not


def _are_too_few(held_out: Mapping[str, float], heads: list[str]) -> bool:
    """Whether no head can tell true pairs from shuffled ones, though it gives numbers."""
    return all(
        math.isnan(held_out[f"hears_{head}"]) and not math.isnan(held_out[f"kl_{head}"])
        for head in heads
    )


def _of_head(
    head: str,
    held_out: Mapping[str, float],
    constant: Mapping[str, float],
    start: Mapping[str, float] | None,
) -> str:
    kl, shuffled, sure = (held_out[f"{kind}_{head}"] for kind in ("kl", "shuffled", "hears"))
    floor = constant[f"kl_{head}"]
    if math.isnan(kl):
        return f"{head}: the held-out KL is no number: training diverged, or a clip is broken."
    if math.isnan(sure):
        return f"{head}: the held-out videos are too few to tell true pairs from shuffled ones."
    how = "surely better" if sure >= SURE else "no better"
    side = "under" if kl < floor else "over"
    before = f", before training {start[f'kl_{head}']:.3f}" if start else ""
    return (
        f"{head}: held-out sounds fit their own pictures {how} than other videos' (KL {kl:.3f}, "
        f"shuffled {shuffled:.3f}, {sure:+.1f} standard errors), {side} the constant answer's "
        f"{floor:.3f}{before}."
    )


def _of_probe(probed: Mapping, floor: Mapping, lead: float) -> str:
    layer, accuracy = probe.best_layer(probed["rows"][-1])
    floor_layer, floor_accuracy = probe.best_layer(floor)
    whose = "an untrained network" if floor["epoch"] is None else "before training"
    return (
        f"Probe of {probed['set']}, {probed['recordings']} recordings: {accuracy:.1%} in {layer}, "
        f"{whose} {floor_accuracy:.1%} in {floor_layer} ({lead:+.1f} standard errors)."
    )
