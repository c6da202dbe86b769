"""How often a run is looked at: no more than it can afford."""

import contextlib
import time
from collections.abc import Callable, Iterator

SHARE = 0.02  # of a run's time, that looks at it may take; curves take less than another 1 %


class Budget:
    """Decides after which epochs there is a look.

    Args:
        every: epochs from one to the next, and after the last; None: after the first and the last,
            and in between whenever another one would keep all of them below SHARE of the time since
            this was made.
        epochs: of the whole run.
        clock: gives seconds.
    """

    def __init__(
        self, every: int | None, epochs: int, clock: Callable[[], float] = time.perf_counter
    ):
        self._every, self._epochs, self._clock = every, epochs, clock
        self._begun_secs = clock()
        self._spent_secs, self._latest_secs = 0.0, 0.0

    @property
    def first(self) -> int:
        """The epoch of the run's first look, counted from 0."""
        return min(self._every or 1, self._epochs) - 1

    def allows(self, epoch: int) -> bool:
        """Whether to look after this epoch, counted from 0."""
        if epoch + 1 == self._epochs:
            return True
        if self._every is not None:
            return (epoch + 1) % self._every == 0
        elapsed_secs = self._clock() - self._begun_secs
        return epoch == self.first or self._spent_secs + self._latest_secs <= SHARE * elapsed_secs

    @contextlib.contextmanager
    def look(self) -> Iterator[None]:
        """Within it the time is a look's."""
        begun_secs = self._clock()
        yield
        self._latest_secs = self._clock() - begun_secs
        self._spent_secs += self._latest_secs
