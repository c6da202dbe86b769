"""A map of sounds, and one of the same clips' pictures: the paper's figure of what was learned."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from soundnet_tf import constants
from soundnet_tf.files.progress import progress_bar
from soundnet_tf.serving import embed, listener
from soundnet_tf.serving.listener import Listener
from soundnet_tf.visualization import placing
from soundnet_tf.visualization.map_sources import MapSource
from soundnet_tf.visualization.recordings import Piece
from soundnet_tf.visualization.sight import Sight

FRAMES = 8  # of each clip that a teacher sees


class Clip(NamedTuple):
    """A clip: its recording, its number for `MapSource.excerpt`, and where it lies in that."""

    recording: str
    number: int
    start_secs: float
    duration_secs: float

    @property
    def id(self) -> str:
        """Of a clip that begins later than its recording with that moment."""
        return f"{self.recording}@{self.start_secs:.3f}" if self.start_secs else self.recording


class Placed(NamedTuple):
    """Clips on one map.

    Attributes:
        told: what their features are.
        clips: int64 [placed], numbers of those that are on it, rising.
        vectors: float32 [placed, channels], their features.
        points: float32 [placed, 2].
        faithful: how far the map can be believed.
    """

    told: str
    clips: np.ndarray
    vectors: np.ndarray
    points: np.ndarray
    faithful: placing.Faithfulness


class SoundMap(NamedTuple):
    """Clips by how they sound, and by how they look.

    Attributes:
        model, layer: that heard them.
        clips: all that were heard.
        labels: of each clip; "" of one without.
        labels_are: what they are.
        is_own: whether the network gave them itself: then that neighbours share them says less.
        sound: all clips.
        pictures: those with pictures; None if nobody looked, or fewer than two have any.
        skipped: id to reason of clips that could not be heard.
        unseen: id to reason of clips whose pictures could not be read.
    """

    model: str
    layer: str
    clips: tuple[Clip, ...]
    labels: tuple[str, ...]
    labels_are: str
    is_own: bool
    sound: Placed
    pictures: Placed | None
    skipped: dict[str, str]
    unseen: dict[str, str]


def draw(
    source: MapSource,
    model: str,
    layer: str = "pool5",
    teacher: str | None = None,
    progress: bool = True,
) -> SoundMap:
    """Hears and sees all clips and places them.

    Args:
        source: the clips. Without labels of its own each has the scene that the network hears most
            probably in it.
        model: as of `models.pretrained.load`.
        layer: whose mean over time is a clip's features, as bin/extract.py --pooling=mean gives it.
        teacher: spec of who looks at the pictures; None takes posteriors that the source has.
        progress: whether to show it on stderr.

    Raises:
        ValueError: no such layer, or nothing could be heard.
        FileNotFoundError: no such model or teacher.
    """
    ears = listener.load(model)
    ears.network.select([layer])
    sight = None if teacher is None else Sight(teacher)
    clips, vectors, skipped = _hear(source, ears, layer, progress)
    labels, labels_are = _labels(source, ears, clips, progress)
    looked, unseen = _look(source, sight, clips, progress)
    told = f"{layer} of {network(model)}, its mean over time"
    with progress_bar(1 + bool(looked), "placing", "map", progress, leave=False) as bar:
        sound = _placed(told, np.arange(len(clips)), vectors, labels)
        bar.update()
        pictures = None
        if len(looked) > 1:
            chosen, seen = np.array([*looked]), np.stack([*looked.values()])
            told = sight.told if sight else _told_of_posteriors(source)
            pictures = _placed(told, chosen, seen, labels)
    return SoundMap(
        model,
        layer,
        tuple(clips),
        tuple(labels),
        labels_are,
        not source.labels,
        sound,
        pictures,
        skipped,
        unseen,
    )


def network(model: str) -> str:
    """What to call a model in a sentence."""
    return "the published network" if model == constants.PUBLISHED else model


def _placed(told: str, clips: np.ndarray, vectors: np.ndarray, labels: list[str]):
    points = placing.place(vectors)
    own = np.array(labels)[clips]
    is_labelled = own != ""
    if is_labelled.all():
        return Placed(told, clips, vectors, points, placing.faithfulness(vectors, points, own))
    # Of those without a label it cannot be said whether neighbours share it.
    trust = placing.faithfulness(vectors, points, None)
    if is_labelled.sum() > 2:
        of_labelled = (vectors[is_labelled], points[is_labelled], own[is_labelled])
        agree = placing.faithfulness(*of_labelled)
        trust = agree._replace(trustworthiness=trust.trustworthiness, trusted=trust.trusted)
    return Placed(told, clips, vectors, points, trust)


def _hear(
    source: MapSource, ears: Listener, layer: str, progress: bool
) -> tuple[list[Clip], np.ndarray, dict[str, str]]:
    """Clips with float32 [clips, channels], and why others have none."""
    clips, vectors, skipped = [], [], {}
    for piece in _each(source, ears, layer, "hearing", progress):
        if piece.heard is None:
            skipped[piece.recording] = piece.reason
            continue
        clip = Clip(piece.recording, piece.number, piece.start_secs, piece.heard.duration_secs)
        vector, _ = embed.pool(piece.heard.steps[layer], clip.duration_secs, "mean")
        if np.isfinite(vector).all():
            clips.append(clip)
            vectors.append(vector)
        else:
            skipped[clip.id] = f"{layer} of it has numbers that are not finite"
    if not clips:
        reasons = "; ".join(f"{id}: {reason}" for id, reason in [*skipped.items()][:3])
        raise ValueError(f"no recording could be heard ({reasons or 'there is none'})")
    return clips, np.stack(vectors), skipped


def _labels(
    source: MapSource, ears: Listener, clips: list[Clip], progress: bool
) -> tuple[list[str], str]:
    """A label of each clip, and what they are."""
    if source.labels:
        return [source.labels.get(clip.recording, "") for clip in clips], source.labels_are
    head = "scenes" if "scenes" in ears.labels else next(iter(ears.labels))
    heard = {}
    for piece in _each(source, ears, head, f"hearing {head}", progress):
        if piece.heard is not None:
            mean = piece.heard.steps[head].values.mean(axis=0)
            heard[piece.recording, piece.number] = ears.labels[head][int(mean.argmax())]
    told = f"the {head.removesuffix('s')} that the network hears as most probable"
    return [heard.get((clip.recording, clip.number), "") for clip in clips], told


def _each(
    source: MapSource, ears: Listener, endpoint: str, title: str, progress: bool
) -> Iterator[Piece]:
    with progress_bar(source.pieces, title, "clip", progress) as bar:
        for pieces in source.heard(ears, endpoint):
            yield from pieces
            bar.update(len(pieces))


def _look(
    source: MapSource, sight: Sight | None, clips: list[Clip], progress: bool
) -> tuple[dict[int, np.ndarray], dict[str, str]]:
    """float32 [channels] by the number of the clip, and why some could not be looked at."""
    seen: dict[int, np.ndarray] = {}
    unseen: dict[str, str] = {}
    if sight is None and not source.posteriors_of:
        return seen, unseen
    with progress_bar(len(clips), "seeing", "clip", progress) as bar:
        for i, clip in enumerate(clips):
            try:
                vector = _seen(source, sight, clip)
            except (ValueError, OSError) as error:
                unseen[clip.id] = str(error)
            else:
                if vector is not None:
                    seen[i] = vector
            bar.update()
    return seen, unseen


def _seen(source: MapSource, sight: Sight | None, clip: Clip) -> np.ndarray | None:
    if sight is None:
        return source.posteriors(clip.number)
    squares = source.squares(clip.recording, clip.number, FRAMES)
    return None if squares is None else sight(squares)


def _told_of_posteriors(source: MapSource) -> str:
    return f"the posteriors of {' and '.join(source.posteriors_of)}"
