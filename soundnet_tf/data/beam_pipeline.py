"""One pipeline of Apache Beam: workers do one shard after the other, errors come back as a line.

Nothing here imports TensorFlow: workers do when they know how it is to be set up.
"""

import contextlib
import logging
import os
import re
import shlex
import signal
import threading
from collections.abc import Iterable, Iterator
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

from soundnet_tf.data.settings import DIRECT, BeamConfig

COUNTERS = "soundnet_tf"  # the namespace of what is counted
_KERNELS = "TF_ENABLE_ONEDNN_OPTS"  # posteriors are those of the kernels that TensorFlow takes


class ShardError(RuntimeError):
    """Raised in a worker, of which nothing but text comes back: one line that says which shard,
    what is wrong and what to do."""


class ProcessLostError(RuntimeError):
    """A worker's process on this machine has ended in the middle of its work."""


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


class EachShard(beam.DoFn):
    """Does one shard after the other by the `do` of who inherits it, which is given an element (a
    name, or a tuple that begins with it) and gives what is to be counted; what goes wrong becomes
    one line."""

    def __init__(self):
        self._kernels = os.environ.get(_KERNELS)
        self.shared = Shared()  # for what a process loads once, whatever number of threads it has

    def setup(self):
        if self._kernels is not None:
            os.environ.setdefault(_KERNELS, self._kernels)

    def process(self, element: Any) -> Iterator[str]:
        name = element if isinstance(element, str) else element[0]
        try:
            counts = self.do(element)
        except Exception as error:
            text = _joined(error) or type(error).__name__
            named = text if name in text else f"{name}: {text}"
            raise ShardError(named) from error
        for counted, count in counts.items():
            beam.metrics.Metrics.counter(COUNTERS, counted).inc(count)
        yield name


def run(config: BeamConfig, label: str, elements: Iterable, work: EachShard) -> dict[str, int]:
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
