"""Work spread over spawned processes: results in order, memory flat, crashes contained.

Nothing here imports TensorFlow: the processes start from this module and from `clips`.
"""

import functools
import math
import multiprocessing
import os
import queue
import resource
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from typing import TypeVar

from soundnet_tf.data.settings import Limits

Item = TypeVar("Item")
Result = TypeVar("Result")

CRASHED = "crashed the decoder"
TIMED_OUT = "took longer than {:g} s (see --video_timeout_secs)"
OUT_OF_MEMORY = "needs more than {:g} GB of memory (see --video_memory_gb)"

IN_FLIGHT_PER_WORKER = 2  # one in work, one waiting; all that memory holds of a long job


def ordered(
    submit: Callable[[Item], Future], items: Iterable[Item], window: int
) -> Iterator[tuple[Item, Result]]:
    """(item, result) in the order of the items, of which at most `window` are in flight."""
    pending: deque[tuple[Item, Future]] = deque()
    for item in items:
        pending.append((item, submit(item)))
        if len(pending) == window:
            item, future = pending.popleft()
            yield item, future.result()
    while pending:
        item, future = pending.popleft()
        yield item, future.result()


class Workers:
    """Spawned processes, each with a pool and a thread of its own.

    A decoder that kills its process thereby breaks the pool of one task, and no other. So does one
    that never ends: the kernel ends its process after `limits.task_secs`.
    """

    def __init__(self, count: int, limits: Limits = Limits()):
        self._limits = limits
        self._window = IN_FLIGHT_PER_WORKER * count
        self._context = multiprocessing.get_context("spawn")
        self._watched, self._watch = self._context.Pipe(duplex=False)
        self._stopping = threading.Event()
        self._threads = ThreadPoolExecutor(count)
        self._idle: queue.SimpleQueue[ProcessPoolExecutor] = queue.SimpleQueue()
        for _ in range(count):
            self._idle.put(self._new_pool())

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_) -> None:
        """Ends the processes at once, whatever they are doing, and waits until they are gone."""
        self._stopping.set()
        self._watch.close()
        self._threads.shutdown(cancel_futures=True)
        while not self._idle.empty():
            self._idle.get().shutdown()
        self._watched.close()

    def map(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        failed: Callable[[Item, str], Result],
    ) -> Iterator[tuple[Item, Result]]:
        """(item, function(item)) in order; `failed(item, why)` if it kills its process twice
        (CRASHED), or takes too long or too much memory."""
        return ordered(
            lambda item: self._threads.submit(self._call, function, item, failed),
            items,
            self._window,
        )

    def _call(self, function, item, failed):
        for _ in range(2):  # a process may also die of something else, such as lack of memory
            pool = self._idle.get()
            begin_secs = math.inf
            try:
                pool.submit(_ready).result()  # starting up is no part of the task
                begin_secs = time.monotonic()
                return pool.submit(_limited, self._limits, function, item).result()
            except MemoryError:
                return failed(item, OUT_OF_MEMORY.format(self._limits.task_gb))
            except BrokenProcessPool:
                if self._stopping.is_set():
                    raise
                pool.shutdown()
                pool = self._new_pool()
                if time.monotonic() - begin_secs >= self._limits.task_secs:
                    return failed(item, TIMED_OUT.format(self._limits.task_secs))
            except Exception as error:
                error.add_note(f"It happened with {item}")
                raise
            finally:
                self._idle.put(pool)
        return failed(item, CRASHED)

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            1, self._context, initializer=_start_worker, initargs=(self._watched,)
        )


def _start_worker(watched: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the group: the parent decides
    threading.Thread(target=_leave_with_parent, args=(watched,), daemon=True).start()


def _ready() -> None:
    """Nothing, in a process that has started."""


def _limited(limits: Limits, function: Callable[[Item], Result], item: Item) -> Result:
    """function(item), in time and memory. The kernel's clock counts, which nobody sets and which
    needs no turn of Python's: a decoder may never give one."""
    _limit_memory(round(limits.task_gb * 1e9))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limits.task_secs)
    try:
        return function(item)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@functools.cache
def _limit_memory(more_bytes: int) -> None:
    """Lets this process take so much more than it has, which is its modules, and no more."""
    if not sys.platform.startswith("linux"):
        return  # others count only what malloc takes from one place, or nothing
    with open("/proc/self/status") as status:
        (has_kb,) = (int(line.split()[1]) for line in status if line.startswith("VmData:"))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = has_kb * 1024 + more_bytes
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def _leave_with_parent(watched: Connection) -> None:
    """Blocks until the parent closes its end of the pipe, or dies, which closes it too."""
    watched.poll(None)
    os._exit(0)
