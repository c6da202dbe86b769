"""Teachers that know what a film shows: one as noisy as real ones, and one that is right."""

import hashlib
import json
from dataclasses import asdict
from typing import Protocol

import numpy as np

from soundnet_tf import labels
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.simulation.posteriors import FITTED, SimulatedTeacher

NOISY, EXACT = "noisy", "exact"
CLASS_LISTS = {"objects": "imagenet_1000", "scenes": "places2_401"}


class Teacher(Protocol):
    """As `SimulatedTeacher`."""

    def posteriors(self, kind: int, film: int, frames: int) -> np.ndarray: ...


class ExactTeacher:
    """Says what kind a film is and nothing else: one class for each, with all of the probability.

    Args:
        kinds: how many there are.
        classes: of the head, at least as many.
        seed: of which class stands for which kind.
    """

    def __init__(self, kinds: int, classes: int, seed: int = 0):
        self._classes = classes
        self._of_kind = np.random.default_rng(seed).permutation(classes)[:kinds]

    def posteriors(self, kind: int, film: int, frames: int) -> np.ndarray:
        """float64 [frames, classes], the same for every film of a kind."""
        return np.eye(self._classes)[[self._of_kind[kind]] * frames]


def make(teacher: str, kinds: int, seed: int = 0) -> dict[str, Teacher]:
    """By head, for so many kinds of films; `teacher` is NOISY or EXACT."""
    made: dict[str, Teacher] = {}
    for i, (head, names) in enumerate(CLASS_LISTS.items()):
        classes = len(labels.load(names))
        if teacher == EXACT:
            made[head] = ExactTeacher(kinds, classes, seed + i)
        else:
            made[head] = SimulatedTeacher(kinds, classes, FITTED[head], seed + i)
    return made


def settings(teacher: str, kinds: int, seed: int = 0) -> dict:
    """All that decides what `make` makes, for JSON."""
    spread = {head: asdict(spread) for head, spread in FITTED.items()} if teacher == NOISY else None
    return {"teacher": teacher, "kinds": kinds, "spread": spread, "teacher_seed": seed}


def cached(teacher: str, kinds: int, seed: int = 0) -> dict[str, CachedTeacher]:
    """What shards say of the teachers of `make`, by head."""
    content = json.dumps(settings(teacher, kinds, seed), sort_keys=True)
    return {
        head: CachedTeacher(
            name=f"simulated-{teacher}",
            fingerprint=hashlib.sha256(f"{head} {content}".encode()).hexdigest()[:16],
            labels=labels.load(names),
        )
        for head, names in CLASS_LISTS.items()
    }
