"""From the moments that a network's steps are centred on to stretches of the recording."""

import dataclasses
import itertools
from collections.abc import Callable, Hashable
from typing import NamedTuple

import numpy as np

from soundnet_tf.serving.recognize import Recognition


class Stretch(NamedTuple):
    """A part of a recording.

    Attributes:
        begin_secs, end_secs: on the recording's clock.
        heard: what the steps say that are centred in it.
    """

    begin_secs: float
    end_secs: float
    heard: Recognition


def borders(recognition: Recognition) -> np.ndarray:
    """Where each step's stretch begins and ends: midway to its neighbours', the first one at the
    beginning and the last one at the end of the recording.

    Returns:
        float64 [steps + 1], seconds, rounded to milliseconds; the last one is above 0 also of a
        recording of one sample.
    """
    secs = recognition.secs
    midway = (secs[1:] + secs[:-1]) / 2
    return np.round([0.0, *midway, max(recognition.duration_secs, 0.001)], 3)


def stretches(
    recognition: Recognition, of_step: Callable[[int], Hashable]
) -> list[tuple[Hashable, Stretch]]:
    """The whole recording, from one border to the next; neighbours of which `of_step` says the same
    are one stretch. With each what it says."""
    edges = borders(recognition)
    found = []
    for said, group in itertools.groupby(range(len(recognition.secs)), of_step):
        first, *_, last = [*group] * 2
        steps = slice(first, last + 1)
        heard = dataclasses.replace(
            recognition,
            secs=recognition.secs[steps],
            probabilities={h: p[steps] for h, p in recognition.probabilities.items()},
        )
        found.append((said, Stretch(float(edges[first]), float(edges[last + 1]), heard)))
    return found
