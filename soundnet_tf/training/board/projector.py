"""What TensorBoard's projector shows: the embedding of held-out clips, with what their teachers saw
and a frame of each.

    BOARD/projector_config.pbtxt, pool5.tsv, clips.tsv, frames.png
"""

import io
import os
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
from tensorboard.plugins import projector

from soundnet_tf.data.batch_settings import PipelineConfig
from soundnet_tf.data.sources import Source
from soundnet_tf.files import atomic
from soundnet_tf.models import student as students
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.training.board import clips, pictures
from soundnet_tf.training.board.clips import Clip
from soundnet_tf.training.distiller import Distiller

CLIPS = 128
_PIXELS = 64
_CONFIG, _LABELS, _FRAMES = "projector_config.pbtxt", "clips.tsv", "frames.png"


class Projector:
    """Writes a folder; what changes from look to look is the embedding alone.

    Args:
        folder: of the run in TensorBoard that shows it, a local one.
        distiller: of the student that is looked at.
        source: the held-out clips, of which the first CLIPS are taken as `clips.order` has them.
        config: of the run.
        seed: of the order.
    """

    def __init__(
        self, folder: str, distiller: Distiller, source: Source, config: PipelineConfig, seed: int
    ):
        self._folder, self._distiller = folder, distiller
        self._source, self._config = source, config
        self._numbers = clips.order(source.count, seed)[:CLIPS]
        self._architecture = students.architecture_of(distiller.student)
        self._has_labels = False
        self._see = tf.function(distiller.targets, autograph=False)
        self._hear = tf.function(self._steps, autograph=False)

    def write(self) -> None:
        """The embedding as it is now; clips without frames are left out."""
        rows, labels, thumbnails = [], [], []
        for clip in clips.read(self._source, self._config, self._numbers):
            rows.append(self._embedding(clip))
            if not self._has_labels:
                seen = self._see(clip.batch)
                labels.append([clip.id, clip.video, *self._seen(seen)])
                middle = clip.jpegs[len(clip.jpegs) // 2]
                thumbnails.append(pictures.thumbnail(middle, _PIXELS))
        if not rows:
            return
        if not self._has_labels:
            head = ["clip", "video", *(f"teacher, {head}" for head in self._distiller.heads)]
            self._write(_LABELS, _tsv([head, *labels]))
            atomic.write_bytes(os.path.join(self._folder, _FRAMES), pictures.sprite(thumbnails))
            self._write(_CONFIG, str(self._description()))
            self._has_labels = True
        with io.StringIO() as text:
            np.savetxt(text, np.stack(rows), fmt="%.5g", delimiter="\t")
            self._write(self._vectors, text.getvalue())

    @property
    def _vectors(self) -> str:
        return f"{self._architecture.embedding}.tsv"

    def _write(self, name: str, text: str) -> None:
        atomic.write_text(os.path.join(self._folder, name), text)

    def _description(self) -> projector.ProjectorConfig:
        config = projector.ProjectorConfig()
        described = config.embeddings.add()
        described.tensor_name = f"{self._architecture.embedding} of held-out clips"
        described.tensor_path, described.metadata_path = self._vectors, _LABELS
        described.sprite.image_path = _FRAMES
        described.sprite.single_image_dim.extend([_PIXELS, _PIXELS])
        return config

    def _steps(self, waveform: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        name = self._architecture.embedding
        return FoldedNetwork(self._distiller.student)(waveform, lengths, (name,))[name]

    def _embedding(self, clip: Clip) -> np.ndarray:
        """float32 [channels], the mean over the steps of the clip's own sound."""
        steps = self._hear(clip.batch["waveform"], clip.batch["lengths"])[0].numpy()
        own = self._architecture.output_length(self._architecture.embedding, clip.samples)
        return steps[: max(own, 1)].mean(axis=0)

    def _seen(self, targets: Mapping) -> list[str]:
        """Of each head the class that its teacher took for most probable, over all valid steps."""
        return [
            self._distiller.labels[head][int(np.argmax(posteriors[0].numpy().sum(axis=0)))]
            for head, (posteriors, _) in targets.items()
        ]


def _tsv(rows: Sequence[Sequence[str]]) -> str:
    """A line each; what would be a tab or a new line in a name is a space."""
    return "".join("\t".join(" ".join(c.split()) for c in cells) + "\n" for cells in rows)
