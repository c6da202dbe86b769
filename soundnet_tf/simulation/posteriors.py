"""What a teacher would say of frames, were there any: drawn around each kind of film, as noisy as
real teachers are on real clips.

A frame's logits are a sum of four normal parts, each drawn for every class: one of all films (what
the teacher likes to say), one of the kind of film (a dog), one of the film (this dog, this room)
and one of the frame. How large the parts are was fitted, head by head, so that four figures of the
posteriors come out as they were measured on real clips; see MEASURED. What is left out: that
teachers are surer of some films than of others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FITTED_FRAMES = 11  # of a film: what the measured ones had, in the mean


@dataclass(frozen=True)
class Divergences:
    """How posteriors differ, in nats.

    Attributes:
        entropy: of a frame, the mean over films.
        frame_to_film: KL of a frame from its film's mean.
        same_kind, other_kind: Jensen-Shannon divergence of the means of two films that show the
            same, and of two that do not. (KL between two films is decided by the tails alone.)
    """

    entropy: float
    frame_to_film: float
    same_kind: float
    other_kind: float


@dataclass(frozen=True)
class Spread:
    """Standard deviations of the parts of a teacher's logits."""

    prior: float
    kind: float
    film: float
    frame: float


# MobileNetV2 of ImageNet and a SqueezeNet of Places365, a frame a second of 118 real clips with
# sound (1360 frames). Of 27 of them it is known what they show (baby, cough, dog, drum, guitar,
# gun, hammer, sneeze, water); 35 pairs show the same.
MEASURED = {
    "objects": Divergences(2.886, 0.455, 0.432, 0.558),
    "scenes": Divergences(3.151, 0.259, 0.379, 0.442),
}
FITTED = {
    "objects": Spread(prior=1.95, kind=1.60, film=2.00, frame=1.18),
    "scenes": Spread(prior=1.74, kind=0.96, film=1.71, frame=0.84),
}


class SimulatedTeacher:
    """Posteriors of films of some kinds, the same for the same seed.

    Args:
        kinds: how many there are.
        classes: of the head.
        spread: of the logits.
        seed: of everything that is drawn.
    """

    def __init__(self, kinds: int, classes: int, spread: Spread, seed: int = 0):
        self._spread, self._seed = spread, seed
        rng = np.random.default_rng(seed)
        self._prior = spread.prior * rng.standard_normal(classes)
        self._kinds = spread.kind * rng.standard_normal((kinds, classes))

    def posteriors(self, kind: int, film: int, frames: int) -> np.ndarray:
        """float64 [frames, classes], of one film.

        Args:
            kind: its index.
            film: its number; another one of the same kind has another film part.
            frames: how many.
        """
        rng = np.random.default_rng((self._seed, kind, film))
        classes = self._prior.size
        shown = self._prior + self._kinds[kind] + self._spread.film * rng.standard_normal(classes)
        return softmax(shown + self._spread.frame * rng.standard_normal((frames, classes)))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def measure(films: Sequence[np.ndarray], kinds: Sequence[str | None]) -> Divergences:
    """How much the posteriors of films differ.

    Args:
        films: of each the posteriors of its frames, [frames, classes].
        kinds: what each shows, None where nobody said; of those `same_kind` and `other_kind` tell
            nothing.
    """
    means = [film.mean(axis=0) for film in films]
    named = [i for i, kind in enumerate(kinds) if kind is not None]
    pairs = [(i, j) for i in named for j in named if i < j]
    same = [_jensen_shannon(means[i], means[j]) for i, j in pairs if kinds[i] == kinds[j]]
    other = [_jensen_shannon(means[i], means[j]) for i, j in pairs if kinds[i] != kinds[j]]
    within = [kl(f, m).mean() for f, m in zip(films, means, strict=True) if len(f) > 3]
    return Divergences(
        entropy=float(np.mean([entropy(film).mean() for film in films])),
        frame_to_film=float(np.mean(within)),
        same_kind=float(np.mean(same)),
        other_kind=float(np.mean(other)),
    )


def entropy(p: np.ndarray) -> np.ndarray:
    """In nats, along the last axis."""
    return -np.sum(p * np.log(np.where(p > 0, p, 1.0)), axis=-1)


def kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """KL(p ‖ q) in nats, along the last axis; q has something wherever p has."""
    ratio = np.where(p > 0, p, 1.0) / np.where(p > 0, q, 1.0)
    return np.sum(p * np.log(ratio), axis=-1)


def _jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    middle = (p + q) / 2
    return float(kl(p, middle) + kl(q, middle)) / 2
