"""A few held-out clips, always the same: their sound, their frames, and what teacher and student
say of one moment."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from soundnet_tf import constants
from soundnet_tf.data import pipeline
from soundnet_tf.data.batch_settings import PipelineConfig
from soundnet_tf.data.elements import elements
from soundnet_tf.data.sources import Source
from soundnet_tf.models import student as students
from soundnet_tf.training import alignment
from soundnet_tf.training.board import markdown, pictures
from soundnet_tf.training.distiller import Distiller

SHOWN = 4  # clips
_SEARCHED = 64  # clips, among which those of different videos are looked for
_STRIP_FRAMES, _STRIP_PIXELS = 10, 160
_TOP = 5  # classes


class Clip(NamedTuple):
    """A clip to look at.

    Attributes:
        id: of it.
        batch: of it alone, as a distiller takes it.
        jpegs: of its frames.
        frame_secs: float32 [frames], when they begin.
    """

    id: str
    batch: Mapping[str, tf.Tensor]
    jpegs: Sequence[bytes]
    frame_secs: np.ndarray

    @property
    def video(self) -> str:
        return self.batch["video"].numpy()[0].decode()

    @property
    def samples(self) -> int:
        """Of its sound, without the padding."""
        return int(self.batch["lengths"][0])


def order(count: int, seed: int) -> np.ndarray:
    """int64 [count]: the numbers of all held-out clips as they are looked at."""
    return np.random.default_rng(seed).permutation(count)


def read(source: Source, config: PipelineConfig, numbers: Sequence[int]) -> Iterable[Clip]:
    """Clips by their numbers, but for those without frames."""
    for example in elements(pipeline.looked_at(source, config, numbers)):
        jpegs = list(example.pop("jpegs").numpy())
        if jpegs:
            batch = {name: values[None] for name, values in example.items()}
            frame_secs = example["frame_secs"].numpy()[: len(jpegs)]
            yield Clip(example["id"].numpy().decode(), batch, jpegs, frame_secs)


def choose(source: Source, config: PipelineConfig, seed: int) -> list[Clip]:
    """SHOWN clips that the seed chooses, of as many videos as there are among the first ones."""
    chosen, spare = [], []
    for clip in read(source, config, order(source.count, seed)[:_SEARCHED]):
        is_new = clip.video not in {other.video for other in chosen}
        (chosen if is_new else spare).append(clip)
        del spare[SHOWN:]
        if len(chosen) == SHOWN:
            break
    return [*chosen, *spare][:SHOWN]


def draw_once(clips: Sequence[Clip]) -> None:
    """Sounds and frames, to TensorBoard's writer of now."""
    for number, clip in enumerate(clips, 1):
        sound = clip.batch["waveform"][:, : clip.samples, None]
        name = f"clip {number}: {markdown.escape(clip.id)}"
        tf.summary.audio(f"clips/{number}/sound", sound, constants.SAMPLE_RATE, description=name)
        shown = np.unique(np.linspace(0, len(clip.jpegs) - 1, _STRIP_FRAMES).round().astype(int))
        strip = pictures.strip([clip.jpegs[frame] for frame in shown], _STRIP_PIXELS)
        moments = ", ".join(f"{clip.frame_secs[frame]:.1f}" for frame in shown)
        said = f"{name}; frames at {moments} s"
        tf.summary.image(f"clips/{number}/frames", strip[None], description=said)


class Answers:
    """What teachers and student say about clips.

    Args:
        distiller: of the student that is looked at.
    """

    def __init__(self, distiller: Distiller):
        self._distiller = distiller
        self._see = tf.function(
            lambda batch: (distiller.targets(batch), distiller(batch, training=False)),
            autograph=False,
        )

    def draw(self, clips: Sequence[Clip]) -> None:
        """Their texts, to TensorBoard's writer of now."""
        for number, clip in enumerate(clips, 1):
            tf.summary.text(f"clips/{number}/answers", self.text(clip))

    def text(self, clip: Clip) -> str:
        """The most probable classes of each head, teacher's and student's side by side, at the
        output step in the middle of those that have a target; Markdown."""
        targets, logits = self._see(clip.batch)
        mask = next(iter(targets.values()))[1]  # the same of each head
        steps = np.flatnonzero(mask[0])
        name = markdown.escape(clip.id)
        if not steps.size:
            return f"{name}: no output step is centred within the sound"
        step = steps[len(steps) // 2]
        head_row, columns = [], []
        for head, (posteriors, _) in targets.items():
            head_row += [f"{head}: teacher", "student"]
            for answer in (posteriors[0, step], tf.nn.softmax(logits[head][0, step])):
                columns.append(_top(answer.numpy(), self._distiller.labels[head]))
        rows = itertools.zip_longest(*columns, fillvalue="")
        table = markdown.table(head_row, rows)
        return f"{name}, {self._moment_secs(clip, step):.1f} s from its start\n\n{table}"

    def _moment_secs(self, clip: Clip, step: int) -> float:
        """What the step's target is of: its centre, or with alignment by index the frame's time."""
        if self._distiller.config.alignment == alignment.INDEX:
            return float(clip.frame_secs[step])
        heads = students.architecture_of(self._distiller.student).heads
        return float(heads.centre_secs(step))


def _top(probabilities: np.ndarray, labels: Sequence[str]) -> list[str]:
    """Names and shares of the most probable classes."""
    best = np.argsort(-probabilities, kind="stable")[:_TOP]
    return [f"{markdown.escape(labels[c])} ({probabilities[c]:.1%})" for c in best]
