"""Recordings as the page shows them: a player, and what was heard over time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from soundnet_tf import constants
from soundnet_tf.pages.inside import picture_source, player_source
from soundnet_tf.pages.spectrogram import levels_source
from soundnet_tf.reporting.hearing import Recording, spread
from soundnet_tf.reporting.overview import Columns
from soundnet_tf.reporting.sights import Sight
from soundnet_tf.serving.recognize import Ranking, Recognition

_CLASSES = 5  # of each head that have a strip
_TOLD = 3  # classes of a moment that a table names
_MOST_CELLS = 60  # of a strip
_MOST_ROWS = 60  # of a table of moments
_FRAME_HEIGHT = 72  # pixels
_SPECTROGRAM_HEIGHT = 96
_WIDTH = 1000  # units of a strip's drawing
_FAINTEST = 0.002  # probabilities below are not drawn
_TICK_SECS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
_MOST_TICKS = 6


def content(
    recording: Recording, number: int, teacher_labels: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """What `report/timeline.html` wants.

    Args:
        recording: as it was heard.
        number: its place on the page, from 1.
        teacher_labels: by head the names of what its teacher sees.
    """
    recognition = recording.recognition
    duration_secs = recognition.duration_secs
    return {
        "id": recording.id,
        "number": number,
        "duration": f"{duration_secs:.1f}",
        "secs": duration_secs,
        "sound_secs": recording.beginning.size / constants.SAMPLE_RATE,
        "is_cut": recording.beginning.size + 1 < duration_secs * constants.SAMPLE_RATE,
        "sound": player_source(recording.beginning),
        "waveform": waveform_path(recording.columns),
        "columns": len(recording.columns.lows),
        "spectrogram": levels_source(recording.columns.levels_db, _SPECTROGRAM_HEIGHT),
        "ticks": ticks(duration_secs),
        "frames": [sight and _frame(sight) for sight in recording.frames],
        "heads": [
            {
                "name": head,
                "rows": strips(recognition, head),
                "overall": told(recognition.top_overall(head, _TOLD)),
            }
            for head in recognition.probabilities
        ],
        "moments": _moments(recognition),
        "left_out": max(0, len(recognition.secs) - _MOST_ROWS),
        "beside": [
            _beside(recognition, step, sight, teacher_labels)
            for step, sight in zip(recording.steps, recording.sights, strict=True)
        ],
    }


def strips(recognition: Recognition, head: str) -> list[dict[str, Any]]:
    """The classes that are surest at some moment, and how sure they are over time.

    Returns:
        Of each its `label`, its greatest probability as `peak`, and `cells`: where each begins and
        how wide it is, of _WIDTH for the whole sound, and its `shade` in [0, 1], the cube root of
        the probability. A cell reaches halfway to the next steps; of more than _MOST_CELLS steps
        several share one, which shows the surest.
    """
    probabilities = recognition.probabilities[head]
    peaks = probabilities.max(axis=0)
    best = np.argsort(-peaks, kind="stable")[:_CLASSES]
    edges = step_edges(recognition.secs, recognition.duration_secs)
    firsts = np.unique(np.linspace(0, len(probabilities), _MOST_CELLS + 1).astype(int)[:-1])
    surest = np.maximum.reduceat(probabilities[:, best], firsts, axis=0)
    begins = edges[firsts]
    ends = np.append(begins[1:], edges[-1])
    scale = _WIDTH / max(edges[-1], 1e-9)
    return [
        {
            "label": recognition.labels[head][int(kind)],
            "peak": percent(float(peaks[kind])),
            "cells": [
                {
                    "left": f"{begin * scale:.4g}",
                    "width": f"{(end - begin) * scale:.4g}",
                    "shade": f"{p ** (1 / 3):.2f}",
                }
                for begin, end, p in zip(begins, ends, surest[:, place].tolist(), strict=True)
                if p >= _FAINTEST
            ],
        }
        for place, kind in enumerate(best)
    ]


def step_edges(secs: np.ndarray, duration_secs: float) -> np.ndarray:
    """float64 [steps + 1]: halfway between the steps, and the sound's beginning and end."""
    inner = np.clip((secs[1:] + secs[:-1]) / 2, 0, duration_secs)
    return np.concatenate([[0.0], inner, [duration_secs]])


def waveform_path(columns: Columns) -> str:
    """An SVG path around the extremes of each column: x in columns, y from -1 (top) to 1. The
    loudest sample, if it is not silent, fills the height."""
    loudest = max(-columns.lows.min(), columns.highs.max())
    scale = 1 / loudest if loudest > 0 else 1.0
    places = np.arange(len(columns.lows)) + 0.5
    upper = [f"{x:g},{-y:.2f}" for x, y in zip(places, columns.highs * scale, strict=True)]
    lower = [f"{x:g},{-y:.2f}" for x, y in zip(places, columns.lows * scale, strict=True)]
    return f"M{' '.join(upper + lower[::-1])}Z"


def ticks(duration_secs: float) -> list[dict[str, str]]:
    """Round moments, at most _MOST_TICKS + 1, and where each is in percent of the sound; none so
    near to its end that there is no room for the text."""
    longest = _TICK_SECS[-1] * max(1, int(-(-duration_secs // (_TICK_SECS[-1] * _MOST_TICKS))))
    step = next((s for s in _TICK_SECS if duration_secs / s <= _MOST_TICKS), longest)
    moments = np.arange(0, max(0.95 * duration_secs, 1e-6), step)
    return [
        {"left": f"{100 * secs / max(duration_secs, step):.2f}", "text": clock(float(secs))}
        for secs in moments
    ]


def clock(secs: float) -> str:
    """Minutes and seconds, such as 1:05."""
    minutes, rest = divmod(round(secs), 60)
    return f"{minutes}:{rest:02d}"


def told(ranking: Ranking) -> str:
    """Such as "rooster 91 %, hen 4 %": the first of each class's synonyms."""
    return ", ".join(f"{label.split(',')[0]} {percent(p)}" for label, p in ranking)


def percent(probability: float) -> str:
    """A whole number of percent, or what is below one."""
    return f"{100 * probability:.0f}\u202f%" if probability >= 0.005 else "<\u202f1\u202f%"


def _moments(recognition: Recognition) -> list[dict[str, Any]]:
    tops = [recognition.top(head, _TOLD) for head in recognition.probabilities]
    return [
        {"secs": f"{recognition.secs[step]:.1f}", "tops": [told(top[step]) for top in tops]}
        for step in spread(range(len(recognition.secs)), _MOST_ROWS)
    ]


def _frame(sight: Sight) -> dict[str, str]:
    return {"secs": f"{sight.secs:.1f}", "source": picture_source(sight.frame, _FRAME_HEIGHT)}


def _beside(
    recognition: Recognition, step: int, sight: Sight, labels: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """What teachers see and what the network hears at one moment."""
    heads = {}
    for head in sight.seen:
        heads[head] = {"saw": told(sight.top(head, _TOLD, labels[head])), "heard": None}
        if head in recognition.probabilities:
            heads[head]["heard"] = told(recognition.top(head, _TOLD)[step])
    return _frame(sight) | {"heads": heads}
