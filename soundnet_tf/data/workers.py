"""Work spread over spawned processes: results in order, memory flat, crashes contained.

Nothing here imports TensorFlow: the processes start from this module and from `clips`.
"""

import multiprocessing
import os
import queue
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

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

    A decoder that kills its process thereby breaks the pool of one task, and no other.
    """

    def __init__(self, count: int):
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
        crashed: Callable[[Item], Result],
    ) -> Iterator[tuple[Item, Result]]:
        """(item, function(item)) in order; `crashed(item)` if it kills its process twice."""
        return ordered(
            lambda item: self._threads.submit(self._call, function, item, crashed),
            items,
            self._window,
        )

    def _call(self, function, item, crashed):
        for _ in range(2):  # a process may also die of something else, such as lack of memory
            pool = self._idle.get()
            try:
                return pool.submit(function, item).result()
            except BrokenProcessPool:
                if self._stopping.is_set():
                    raise
                pool.shutdown()
                pool = self._new_pool()
            except Exception as error:
                error.add_note(f"It happened with {item}")
                raise
            finally:
                self._idle.put(pool)
        return crashed(item)

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            1, self._context, initializer=_start_worker, initargs=(self._watched,)
        )


def _start_worker(watched: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the group: the parent decides
    threading.Thread(target=_leave_with_parent, args=(watched,), daemon=True).start()


def _leave_with_parent(watched: Connection) -> None:
    """Blocks until the parent closes its end of the pipe, or dies, which closes it too."""
    watched.poll(None)
    os._exit(0)
