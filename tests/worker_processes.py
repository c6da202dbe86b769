"""Workers as processes of this machine, on loopback, as `bin/train.py --hosts` starts them."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence


def hosts(count: int) -> str:
    """Addresses that nobody listens on, as a --hosts flag."""
    with contextlib.ExitStack() as open_sockets:
        found = []
        for _ in range(count):
            listening = open_sockets.enter_context(socket.socket())
            listening.bind(("127.0.0.1", 0))
            found.append(f"127.0.0.1:{listening.getsockname()[1]}")
    return ",".join(found)


@contextlib.contextmanager
def started(commands: Sequence[Sequence[str]]) -> Iterator[list[subprocess.Popen]]:
    """Python processes of these arguments, which are ended at the end."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with contextlib.ExitStack() as to_end:
        processes = []
        for arguments in commands:
            process = subprocess.Popen([sys.executable, *arguments], **pipes)
            to_end.callback(process.wait)
            to_end.callback(process.kill)
            processes.append(process)
        yield processes


def finish(processes: Sequence[subprocess.Popen]) -> list[str]:
    """What they wrote; all have to end well."""
    outputs = [process.communicate(timeout=600)[0] for process in processes]
    for process, output in zip(processes, outputs, strict=True):
        assert process.returncode == 0, output
    return outputs
