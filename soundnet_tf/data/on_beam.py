"""Shards are made by Apache Beam's workers, on this machine or on a cluster.

Beam only says who makes which shard: its elements are names, and what is done for each is what a
local run does for all, a file that is renamed when it is whole. So the bytes are those of a local
run, a shard that is finished is left alone, and a pipeline that is killed goes on. Listing, locks,
settings and the manifest stay with the process that starts the pipeline. The workers must see the
videos, the teachers and the folder of the shards under the same paths as that process.

Nothing here imports TensorFlow at module level, see `beam_pipeline`.
"""

import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from soundnet_tf.data import beam_pipeline, reasons, shard_json
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.clips import Video
from soundnet_tf.data.manifest import PLANS_NAME
from soundnet_tf.data.settings import LabelConfig, PrepareConfig
from soundnet_tf.files import atomic, storage
from soundnet_tf.files.identity import Identity


def cut_shards(config: PrepareConfig, plans: Sequence) -> dict[str, int]:
    """Cuts shards (`shards.ShardPlan`) as `cut_shards.cut_shards` does; with one process for each
    shard that is being cut if nothing is said of `workers`.

    Returns:
        What was counted: "clips", "milliseconds" of sound, "skipped: REASON" in videos. A worker
        that is lost and whose shard is cut again may be counted twice; the manifest never is.

    Raises:
        RuntimeError: a worker could not do its part, or the pipeline failed; in one sentence.
    """
    path = os.path.join(config.out, PLANS_NAME)
    work = _Cut(replace(config, workers=config.workers or 1))
    try:
        counted = beam_pipeline.run(config.beam, "cut", _write_plans(path, plans), work)
    finally:
        storage.remove(path)
    _tidy(config.out, [plan.name for plan in plans])
    return counted


def label_shards(
    config: LabelConfig, names: Sequence[str], teachers: Mapping[str, CachedTeacher]
) -> dict[str, int]:
    """Labels shards as `panel.label_shard` does, with teachers that each worker process loads once.

    Args:
        config: how.
        names: of the shards.
        teachers: by head, as the process that starts the pipeline has loaded them.

    Returns, raises: as `cut_shards`, without what is skipped.
    """
    counted = beam_pipeline.run(config.beam, "label", names, _Label(config, dict(teachers)))
    shard_json.settle(config.data, set(names))
    _tidy(config.data, names)
    return counted


class _Cut(beam_pipeline.EachShard):
    def __init__(self, config: PrepareConfig):
        super().__init__()
        self._config = config

    def do(self, element: tuple[str, int]) -> dict[str, int]:
        from soundnet_tf.data import shards
        from soundnet_tf.data.cut_shards import cut_shards

        _, start = element
        config = self._config
        plan = _read_plan(os.path.join(config.out, PLANS_NAME), start)
        done = shards.finished(config.out, plan, config.settings())
        if done and not done.get("unsure"):
            return {}  # by a worker that was believed lost
        _check_seen(plan.videos)
        cut_shards(config, [plan], progress=False)
        content = shards.finished(config.out, plan, config.settings())
        counts = _sums(content["shard"])
        for skipped in content["skipped"]:
            kind = f"skipped: {reasons.kind_of_reason(skipped['reason'])}"
            counts[kind] = counts.get(kind, 0) + 1
        return counts


class _Label(beam_pipeline.EachShard):
    def __init__(self, config: LabelConfig, teachers: dict[str, CachedTeacher]):
        super().__init__()
        self._config = config
        self._teachers = teachers

    def do(self, name: str) -> dict[str, int]:
        from soundnet_tf.data import panel

        loaded = self.shared.acquire(
            lambda: panel.Panel(self._config.teachers, self._config.precision)
        )
        for head, teacher in loaded.teachers.items():
            if teacher != self._teachers[head]:
                raise ValueError(
                    f"{socket.gethostname()} loads {teacher}, not {self._teachers[head]}, as the "
                    f"teacher of {head}; give all workers the same weights, in a file that all see"
                )
        shard = panel.shard_of(self._config.data, name)
        if not panel.lacking(shard, self._teachers):
            return {}
        panel.label_shard(self._config, shard, loaded)
        return _sums(asdict(shard))


def _tidy(directory: str, names: Sequence[str]) -> None:
    """Removes what workers were writing that were lost, and whose shards others have written."""
    atomic.remove_partial(directory, {file for name in names for file in shard_json.files_of(name)})


def _sums(shard: Mapping) -> dict[str, int]:
    return {"clips": shard["clips"], "milliseconds": round(1000 * shard["seconds"])}


def _write_plans(path: str, plans: Sequence) -> list[tuple[str, int]]:
    """Writes a line for each plan; gives names and where in the file their lines begin. Beam keeps
    elements in its job's description, which has no room for two million videos."""
    places, start = [], 0
    with atomic.new_file(path) as temporary, storage.open_file(temporary, "wb") as file:
        for plan in plans:
            videos = [(video.id, video.path, video.identity.as_fields()) for video in plan.videos]
            line = json.dumps({"name": plan.name, "split": plan.split, "videos": videos}) + "\n"
            places.append((plan.name, start))
            start += file.write(line.encode())
    return places


def _read_plan(path: str, start: int):
    from soundnet_tf.data.shards import ShardPlan

    if not storage.exists(path):
        raise FileNotFoundError(f"{path} is not there on {socket.gethostname()}; {_SAME_PATHS}")
    with storage.open_file(path, "rb") as file:
        file.seek(start)
        plan = json.loads(file.readline())
    videos = tuple(Video(id, at, Identity.from_fields(i)) for id, at, i in plan["videos"])
    return ShardPlan(plan["name"], plan["split"], videos)


def _check_seen(videos: Sequence[Video]) -> None:
    """FileNotFoundError if a worker sees none of a shard's videos, where the start saw some. Single
    ones may have gone meanwhile."""
    there = [video for video in videos if video.identity.bytes]
    if there and not any(storage.exists(video.path) for video in there):
        raise FileNotFoundError(
            f"{there[0].path} is not there on {socket.gethostname()}; {_SAME_PATHS}"
        )


_SAME_PATHS = (
    "workers must see the videos and the shards under the paths of the process that starts them: "
    "give a bucket, or a folder that all of them share"
)
