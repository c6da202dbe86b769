"""Whether what is heard fits what is seen better than what is seen in other clips.

A student hears a clip; teachers saw its pictures, and those of others. How well an answer to the
sound fits what was seen is the sum over classes of what was seen, times by how much the logarithm
of the answer is above its mean over all clips. A clip's rank is the share of other videos' clips
whose pictures fit its sound better: 0.5 in the mean where sound says nothing, and where sound was
laid over the picture. It is a hint for a look and no proof: of clips with another's sound one in
ten has a rank above 0.9.
"""

import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from soundnet_tf.data import cached, records, shard_reader
from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.data.settings import PCM16
from soundnet_tf.files.progress import progress_bar
from soundnet_tf.inspection.findings import Seen
from soundnet_tf.inspection.settings import InspectConfig
from soundnet_tf.serving import listener

_OTHERS = 200  # clips that each is compared with
_LEAST_OTHERS = 20
_FLOOR = 1e-8  # of a probability

Answers = dict[str, np.ndarray]


def add_ranks(config: InspectConfig, videos: Sequence[Seen], progress: bool) -> str:
    """Gives each clip its `match_rank`, and says in a sentence what they are in the mean.

    Raises:
        ValueError: the shards are not labelled, or the student and the teachers share no class.
    """
    heard, seen, owners = _answers(config, progress)
    ranks = match_ranks(heard, seen, np.unique(owners[:, 0], return_inverse=True)[1])
    if ranks is None:
        return f"Too few clips to tell whether sound and picture match, fewer than {_LEAST_OTHERS}"
    by_clip = {(id, float(start)): rank for (id, start), rank in zip(owners, ranks, strict=True)}
    for video in videos:
        for clip in video.clips:
            clip["match_rank"] = by_clip.get((video.id, float(np.float32(clip["start_secs"]))))
    return (
        f"Of other clips' pictures {100 * np.mean(ranks):.0f} % fit a clip's sound better than its "
        "own, in the mean; 50 % were chance"
    )


def match_ranks(heard: Answers, seen: Answers, videos: np.ndarray) -> np.ndarray | None:
    """Of each clip, the share of other videos' clips whose pictures fit its sound better.

    Args:
        heard: head to float [clips, classes], probabilities; of the same classes as `seen`.
        seen: likewise.
        videos: int [clips], whose each is.

    Returns:
        float64 [clips], compared with up to 200 others, the same ones each time; None if there are
        fewer than 20.
    """
    count = len(videos)
    others = np.random.default_rng(0).permutation(count)[:_OTHERS]
    is_other = videos[:, None] != videos[others]
    if is_other.sum(axis=1).min(initial=count) < _LEAST_OTHERS:
        return None
    fits, own = np.zeros((count, len(others))), np.zeros(count)
    for head, probabilities in heard.items():
        logs = np.log(probabilities + np.float32(_FLOOR))
        logs -= logs.mean(axis=0)
        fits += logs @ seen[head][others].T
        own += np.einsum("ij,ij->i", logs, seen[head])
    return ((fits > own[:, None]) & is_other).sum(axis=1) / is_other.sum(axis=1)


def _answers(config: InspectConfig, progress: bool) -> tuple[Answers, Answers, np.ndarray]:
    """What is heard and what is seen in each clip, means over time of classes that both know, and
    [clips, 2] video ids and starts."""
    manifest = load_manifest(config.data)
    shards = [s for split in manifest.splits.values() for s in split.shards if s.clips]
    teachers = cached.teachers_of(config.data, shards)
    ears = listener.load(config.model)
    shared = {
        head: _shared(ears.labels[head], teacher.labels)
        for head, teacher in teachers.items()
        if head in ears.labels
    }
    if not any(map(len, shared.values())):
        raise ValueError(
            f"{config.data} has no posteriors of classes that {config.model} knows; write them "
            "with bin/label.py first, or leave --model out"
        )
    heard: dict[str, list[np.ndarray]] = {head: [] for head in shared}
    seen: dict[str, list[np.ndarray]] = {head: [] for head in shared}
    owners = []
    codec = manifest.settings.get("audio_codec", PCM16)
    total = sum(shard.clips for shard in shards)
    paths = [os.path.join(config.data, shard.name) for shard in shards]
    parsed = _clips(paths, {head: teachers[head] for head in shared}, codec)
    for clip in progress_bar(total, "matching", "clip", progress, items=parsed):
        (answer,) = ears.hear([clip[records.WAVEFORM]], list(shared), "loop")
        for head, (of_student, of_teacher) in shared.items():
            told = clip[records.posteriors_key(head)].mean(axis=0)
            heard[head].append(answer.steps[head].values.mean(axis=0)[of_student])
            seen[head].append(told[of_teacher])
        owners.append((clip[records.VIDEO_ID].decode(), float(clip[records.START_SECS])))
    ids = np.empty((len(owners), 2), object)
    ids[:] = owners
    stacked = [{head: np.stack(rows) for head, rows in of.items()} for of in (heard, seen)]
    return stacked[0], stacked[1], ids


def _clips(paths: list[str], teachers: Mapping[str, cached.CachedTeacher], codec: str) -> Iterator:
    def parse(serialized):
        return records.parse(serialized, teachers, codec)

    return shard_reader.each(paths, parse)


def _shared(student: Sequence[str], teacher: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Classes of the same name, by their numbers here and there. Of a name that stands twice only
    the first counts."""
    numbers = {name: i for i, name in reversed([*enumerate(student)])}
    first = {name: i for i, name in reversed([*enumerate(teacher)])}
    pairs = [(numbers[name], i) for name, i in first.items() if name in numbers]
    return tuple(np.array(sorted(pairs), int).reshape(-1, 2).T)
