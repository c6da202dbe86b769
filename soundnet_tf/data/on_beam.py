"""Shards are made by Apache Beam's workers, on this machine or on a cluster.

Beam only says who makes which shard: its elements are names, and what is done for each is what a
local run does for all, a file that is renamed when it is whole. So the bytes are those of a local
run, a shard that is finished is left alone, and a pipeline that is killed goes on. Listing, locks,
settings and the manifest stay with the process that starts the pipeline. The workers must see the
videos, the teachers and the folder of the shards under the same paths as that process.

Nothing here imports TensorFlow at module level: workers do when they know how it is to be set up.
"""

import contextlib
import json
import logging
import os
import re
import shlex
import signal
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

try:
    # Of what Google's cloud would need; who asks for Dataflow without it is told, see `check`.
    logging.getLogger().addFilter(lambda line: "apitools not found" not in str(line.msg))
    import apache_beam as beam
    from apache_beam.options.pipeline_options import (
        PipelineOptions,
        StreamingOptions,
        WorkerOptions,
    )
    from apache_beam.runners.runner import PipelineState
    from apache_beam.utils.shared import Shared
except ImportError as error:
    raise ImportError(
        f"--runner needs Apache Beam ({error}): pip install 'soundnet-tf[beam]', or leave it out"
    ) from error

from soundnet_tf.data import clips, shard_json
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.clips import Video
from soundnet_tf.data.manifest import PLANS_NAME
from soundnet_tf.data.settings import DIRECT, BeamConfig, LabelConfig, PrepareConfig
from soundnet_tf.files import atomic, storage
from soundnet_tf.files.identity import Identity

COUNTERS = "soundnet_tf"  # the namespace of what is counted
_KERNELS = "TF_ENABLE_ONEDNN_OPTS"  # posteriors are those of the kernels that TensorFlow takes


class ShardError(RuntimeError):
    """Raised in a worker, of which nothing but text comes back: one line that says which shard,
    what is wrong and what to do."""


def check(config: BeamConfig) -> None:
    """Refuses what can be seen to be wrong before anything is done.

    Raises:
        ValueError: options that Beam does not know, or values that it does not take.
        ImportError: what the runner needs is not installed.
    """
    parsed, left = _parser().parse_known_args(_given(config))
    if left:
        raise ValueError(
            f"pipeline_options: Beam {beam.__version__} does not know {' '.join(left)}; such as "
            "--pipeline_options='--direct_running_mode=multi_processing --direct_num_workers=2', "
            "see docs/scale_out.md"
        )
    if parsed.runner:
        raise ValueError("pipeline_options has --runner; that is a flag of this command")
    try:
        beam.Pipeline(config.runner, _options(config))  # which looks for what the runner needs
    except ImportError as error:
        raise ImportError(
            f"--runner={config.runner}: {error}; pip install 'apache-beam[gcp]=={beam.__version__}'"
        ) from error
    except ValueError as error:
        raise ValueError(f"pipeline_options: {_joined(error)}") from error


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
        counted = _run(config.beam, "cut", _write_plans(path, plans), work)
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
    counted = _run(config.beam, "label", names, _Label(config, dict(teachers)))
    shard_json.settle(config.data, set(names))
    _tidy(config.data, names)
    return counted


class ProcessLostError(RuntimeError):
    """A worker's process on this machine has ended in the middle of its work."""


class _EachShard(beam.DoFn):
    """Does one shard after the other; what goes wrong becomes one line."""

    def __init__(self):
        self._kernels = os.environ.get(_KERNELS)

    def setup(self):
        if self._kernels is not None:
            os.environ.setdefault(_KERNELS, self._kernels)

    def process(self, element: Any) -> Iterator[str]:
        name = element if isinstance(element, str) else element[0]
        try:
            counts = self._do(element)
        except Exception as error:
            text = _joined(error) or type(error).__name__
            named = text if name in text else f"{name}: {text}"
            raise ShardError(named) from error
        for counted, count in counts.items():
            beam.metrics.Metrics.counter(COUNTERS, counted).inc(count)
        yield name


class _Cut(_EachShard):
    def __init__(self, config: PrepareConfig):
        super().__init__()
        self._config = config

    def _do(self, element: tuple[str, int]) -> dict[str, int]:
        from soundnet_tf.data import shards
        from soundnet_tf.data.cut_shards import cut_shards

        _, start = element
        config = self._config
        plan = _read_plan(os.path.join(config.out, PLANS_NAME), start)
        if shards.finished(config.out, plan, config.settings()):
            return {}  # by a worker that was believed lost
        _check_seen(plan.videos)
        cut_shards(config, [plan], progress=False)
        content = shards.finished(config.out, plan, config.settings())
        counts = _sums(content["shard"])
        for skipped in content["skipped"]:
            kind = f"skipped: {clips.kind_of_reason(skipped['reason'])}"
            counts[kind] = counts.get(kind, 0) + 1
        return counts


class _Label(_EachShard):
    def __init__(self, config: LabelConfig, teachers: dict[str, CachedTeacher]):
        super().__init__()
        self._config = config
        self._teachers = teachers
        self._shared = Shared()

    def _do(self, name: str) -> dict[str, int]:
        from soundnet_tf.data import panel

        loaded = self._shared.acquire(lambda: panel.Panel(self._config.teachers))
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


def _run(config: BeamConfig, label: str, elements: Iterable, work: _EachShard) -> dict[str, int]:
    pipeline = beam.Pipeline(config.runner, _options(config))
    _ = pipeline | beam.Create(elements) | beam.Reshuffle() | label >> beam.ParDo(work)
    result = None
    try:
        with _traces_left_out(config.runner), _lost_processes_noticed():
            result = pipeline.run()
            state = result.wait_until_finish()
    except KeyboardInterrupt:
        if result is not None:
            result.cancel()
        raise
    except ProcessLostError:
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        raise RuntimeError(_in_one_sentence(text, config.runner)) from error
    if state != PipelineState.DONE:
        raise RuntimeError(f"the pipeline ended as {state}; the same command goes on with the rest")
    counters = result.metrics().query()["counters"]
    return {
        counter.key.metric.name: counter.result
        for counter in counters
        if counter.key.metric.namespace == COUNTERS
    }


def _options(config: BeamConfig) -> PipelineOptions:
    options = PipelineOptions(_given(config))
    if config.runner == DIRECT:
        # Without a version, Beam first tries a program that it would download.
        options.view_as(StreamingOptions).update_compatibility_version = beam.__version__
    worker = options.view_as(WorkerOptions)
    worker.default_sdk_harness_log_level = worker.default_sdk_harness_log_level or "WARNING"
    return options


@contextlib.contextmanager
def _traces_left_out(runner: str) -> Iterator[None]:
    """What a worker on this machine logs when it fails is told in one sentence; --verbosity=0 shows
    it too."""
    log = logging.getLogger("apache_beam")
    before = log.level
    if runner == DIRECT and not log.isEnabledFor(logging.INFO):
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


@contextlib.contextmanager
def _lost_processes_noticed() -> Iterator[None]:
    """Within, a ProcessLostError comes when a worker's process on this machine ends in the middle:
    Beam's own runner would wait for it forever. In the main thread only, which can be woken."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    lost: list[str] = []
    before = threading.excepthook

    def noticed(args):
        if "Worker subprocess exited" in str(args.exc_value):
            lost.append(str(args.exc_value))
            # Only a real signal wakes it, and SIGINT is ignored by what runs in the background.
            signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
        elif not lost:  # other threads stumble over it too
            before(args)

    def wake(*_):
        raise ProcessLostError(
            f"a worker's process on this machine was lost ({lost[0]}), perhaps for lack of memory; "
            "the same command goes on with the shards that are left"
        )

    handler = signal.signal(signal.SIGUSR1, wake)
    threading.excepthook = noticed
    try:
        yield
    finally:
        threading.excepthook = before
        signal.signal(signal.SIGUSR1, handler)


def _in_one_sentence(text: str, runner: str) -> str:
    """Of what came back when a pipeline failed, a trace through several processes mostly."""
    one_line = rf"\b{ShardError.__name__}: (.*?)(?: \[while running|\\n|$)"
    if found := re.findall(one_line, text, re.MULTILINE):
        return found[-1].strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["without a word"]
    return f"{runner}: the pipeline failed ({lines[-1]}); --verbosity=0 shows where"


def _joined(error: Exception) -> str:
    return " ".join(str(error).split())


def _given(config: BeamConfig) -> list[str]:
    return shlex.split(config.pipeline_options)


def _parser():
    """Beam's parser of all its options, which raises where it would end the process."""
    found = []
    PipelineOptions([]).get_all_options(add_extra_args_fn=found.append)

    def refuse(message: str):
        raise ValueError(f"pipeline_options: {message}")

    (parser,) = found
    parser.error = refuse
    return parser


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
