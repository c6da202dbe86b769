"""Who holds a place, and holding it where no kernel keeps locks: on object stores.

There a run's file is a lease, written again every BEAT_SECS by a thread; one that has not been for
STALE_SECS ends. That of a run on this very machine ends at once if its process is gone, or if its
number is another process's now. An object store cannot write a file only if another is not there,
so each run first writes that it wants the place, and then looks: of two that want it at the same
time the one with the lower name waits for the other one to give way. A run whose lease was taken,
since it was suspended or the network was gone for so long, is interrupted at its next beat; what
both wrote in between is whole, file by file, but may be of either.
"""

import contextlib
import dataclasses
import datetime
import json
import os
import re
import secrets
import shlex
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator

from absl import logging

from soundnet_tf.files import atomic, scratch, storage

BEAT_SECS, STALE_SECS = 30.0, 300.0

_TRIES, _PAUSE_SECS = 50, 0.2
_WANTED, _HELD = "wanted", "held"


class HeldError(RuntimeError):
    """Another run is writing there."""


@dataclasses.dataclass(frozen=True)
class Holder:
    """A run that holds a place.

    Attributes:
        stage: the name of its command.
        host, process: where it runs.
        since: when it began, in UTC.
        command: its line.
        machine: tells machines and containers apart that have one name; None where nothing does.
        started: when the process began, on the machine's own clock; None where nothing says so.
        part: number and count of the parts, if it shares the place; None: with nobody.
    """

    stage: str = "a run"
    host: str = "?"
    process: int = 0
    since: str = "?"
    command: str = ""
    machine: str | None = None
    started: int | None = None
    part: tuple[int, int] | None = None

    @classmethod
    def of_this_process(cls, stage: str, part: tuple[int, int] | None = None) -> "Holder":
        return cls(
            stage=stage,
            host=socket.gethostname(),
            process=os.getpid(),
            since=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
            command=shlex.join(sys.argv),
            machine=_machine(),
            started=_started(os.getpid()),
            part=part,
        )

    @classmethod
    def from_json(cls, content: bytes) -> "Holder":
        """Of one that is just being written nothing is known."""
        try:
            fields = json.loads(content)
        except ValueError:
            return cls()
        part = fields.get("part")
        known = {field.name: fields.get(field.name) for field in dataclasses.fields(cls)}
        return cls(**known | {"part": tuple(part) if part else None})

    def as_json(self, **more: str | float) -> bytes:
        return json.dumps(dataclasses.asdict(self) | more, indent=2).encode()

    def conflicts_with(self, other: "Holder") -> bool:
        """Parts of one division go together, if they are different ones."""
        if self.part is None or other.part is None or self.stage != other.stage:
            return True
        return self.part[1] != other.part[1] or self.part[0] == other.part[0]

    def is_gone(self) -> bool:
        """Whether its process ran on this machine and has ended."""
        if self.machine is None or self.machine != _machine():
            return False
        return not scratch.is_alive(self.process) or self.started != _started(self.process)

    def error(self, place: str, more: str = "") -> HeldError:
        """What to say to the second one."""
        shared = f", part {self.part[0]} of {self.part[1]}," if self.part else ""
        return HeldError(
            f"{place} is in use: {self.stage}{shared} is writing there (process {self.process} on "
            f"{self.host}, since {self.since}). Wait until it ends, end it (on {self.host}: kill "
            f"{self.process}), or choose another folder{more}"
        )


def pattern(prefix: str) -> re.Pattern:
    """Of the names of holders' files."""
    return re.compile(rf"{re.escape(prefix)}-[0-9a-f]{{8}}\.lock")


@contextlib.contextmanager
def leased(folder: str, prefix: str, place: str, me: Holder) -> Iterator[None]:
    """Holds a place by a lease for the `with` block.

    Args:
        folder: of the leases; it is made if need be.
        prefix: with which their names begin.
        place: what is held, for errors.
        me: who holds it.

    Raises:
        HeldError: another run holds it.
        OSError: nothing can be written there.
    """
    storage.make_folder(folder)
    own = os.path.join(folder, f"{prefix}-{secrets.token_hex(4)}.lock")
    ended = threading.Event()
    beats = threading.Thread(target=_beat, args=(own, me, ended), daemon=True)
    try:
        _write(own, me, _WANTED)
        _wait_for_turn(own, prefix, place, me)
        _write(own, me, _HELD)
        beats.start()
        yield
    finally:
        ended.set()
        if beats.ident is not None:
            beats.join()
        storage.remove(own)


def _wait_for_turn(own: str, prefix: str, place: str, me: Holder) -> None:
    """Returns once nobody else holds the place, or wants it with a higher name."""
    for _ in range(_TRIES):
        rivals = [rival for rival in _others(own, prefix) if me.conflicts_with(rival[1])]
        for path, holder, state in rivals:
            if state == _HELD or path < own:
                more = f"; if it was killed elsewhere, it ends after {STALE_SECS / 60:.0f} minutes"
                raise holder.error(place, more)
        if not rivals:
            return
        time.sleep(_PAUSE_SECS)
    raise rivals[0][1].error(place)


def _others(own: str, prefix: str) -> Iterator[tuple[str, Holder, str]]:
    """Paths, holders and states of the leases that have not ended; the others are removed."""
    folder = os.path.dirname(own)
    for name in storage.list_folder(folder):
        path = os.path.join(folder, name)
        if path == own or not pattern(prefix).fullmatch(name):
            continue
        try:
            content = storage.read_bytes(path)
        except FileNotFoundError:
            continue
        holder = Holder.from_json(content)
        if holder.is_gone() or _age_secs(path, own, content) > STALE_SECS:
            storage.remove(path)
        else:
            yield path, holder, _field(content, "state", _HELD)


def _age_secs(path: str, own: str, content: bytes) -> float:
    """How long ago a lease was written: by the clock of the store, which wrote our own just now;
    where it keeps no times, by the clocks of the two machines."""
    now, then = storage.modified_ns(own), storage.modified_ns(path)
    if now and then:
        return (now - then) / 1e9
    return time.time() - _field(content, "beat", 0.0)


def _field(content: bytes, name: str, default):
    try:
        return json.loads(content).get(name, default)
    except ValueError:
        return default


def _beat(own: str, me: Holder, ended: threading.Event) -> None:
    while not ended.wait(BEAT_SECS):
        try:
            if not storage.exists(own):
                logging.error("%s is gone: another run took this one for dead; it ends here", own)
                signal.raise_signal(signal.SIGINT)
                return
            _write(own, me, _HELD)
        except OSError as error:
            logging.warning("the lease %s could not be renewed: %s", own, error)


def _write(own: str, me: Holder, state: str) -> None:
    atomic.write_bytes(own, me.as_json(state=state, beat=time.time()))


def _machine() -> str | None:
    """One boot of one machine, and in it one container: where a process's number means something.
    None where there is nothing to tell them by but a name that others may have."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return f"{file.read().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None


def _started(process: int) -> int | None:
    """When a process began, in ticks since the machine was started: numbers are given again."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except OSError:
        return None
