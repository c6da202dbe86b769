"""Every test fold, on all cores. What comes of it does not depend on how many there are.

Folds are fitted in processes: liblinear, where it serves, leaves Python's lock, but its dual solver
draws the order of examples from one generator of the whole process, so that threads would change
each other's results. A process gets one thread of the linear algebra, whose sums depend on how they
are divided.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import joblib
from threadpoolctl import threadpool_limits

from soundnet_tf.files.progress import progress_bar

_SHARE_OF_MEMORY = 16  # of which copies may take one, and what liblinear makes of them two more

Result = TypeVar("Result")


def fit(
    function: Callable[..., Result],
    features: Any,
    tasks: Sequence[tuple],
    title: str,
    progress: bool = True,
    copy_bytes: int = 0,
    is_long: bool = True,
) -> Iterator[Result]:
    """`function(features, *task)` for every task, in their order.

    Args:
        function: of a module that imports no TensorFlow, for processes that are to begin at once.
            It leaves the features alone, which may be mapped from a file.
        features: an array, or a mapping of arrays.
        tasks: the other arguments for each fold, small.
        title: of the bar.
        progress: whether to show it on stderr.
        copy_bytes: what a fold holds in memory at once. Fewer are fitted at a time if together they
            would be over a sixteenth of the machine's memory.
        is_long: False for what takes less than the start of processes.
    """
    workers = _workers(len(tasks), copy_bytes) if is_long else 1
    with tempfile.TemporaryDirectory(prefix="soundnet-folds-") as folder:
        if workers == 1:
            results: Any = (_alone(function, features, task) for task in tasks)
        else:
            path = os.path.join(folder, "features")
            joblib.dump(features, path)
            calls = (joblib.delayed(_of_file)(function, path, task) for task in tasks)
            results = joblib.Parallel(workers, return_as="generator", max_nbytes=None)(calls)
        yield from progress_bar(len(tasks), title, "fit", progress, items=results, leave=False)


def _workers(tasks: int, copy_bytes: int) -> int:
    memory_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    at_once = memory_bytes // _SHARE_OF_MEMORY // max(1, copy_bytes)
    return max(1, min(tasks, at_once, joblib.cpu_count()))


def _of_file(function: Callable[..., Result], path: str, task: tuple) -> Result:
    return _alone(function, joblib.load(path, mmap_mode="r"), task)


def _alone(function: Callable[..., Result], features: Any, task: tuple) -> Result:
    with threadpool_limits(1, "blas"):
        return function(features, *task)
