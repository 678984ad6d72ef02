"""One program, run once in a process of its own, and what it cost."""

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

# Linux counts ru_maxrss in KiB (getrusage(2)), macOS in bytes; the bench is meant for Linux.
KIB = 1024


@dataclass(frozen=True, slots=True)
class Run:
    """`wall` and `cpu` in seconds (user and system, all threads), `peak` resident bytes, `printed` standard output.

    The kernel's peak includes the caller's own size at the time of the fork: callers should be small.
    """

    wall: float
    cpu: float
    peak: int
    printed: str


class ProgramFailed(Exception):
    """The program ended with another exit code than 0; the message holds the end of what it complained of."""

    def __init__(self, command: Sequence[str], code: int, complaint: str) -> None:
        super().__init__(f"{' '.join(command)}: exit code {code}. {complaint}")
        self.code = code


def measure(command: Sequence[str]) -> Run:
    """Runs `command` to its end. Raises ProgramFailed."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as complaints:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=complaints)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        # told to the object, which would otherwise wait for a process that is gone
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            complaints.seek(0)
            raise ProgramFailed(command, process.returncode, complaints.read().decode(errors="replace")[-2000:].strip())
        out.seek(0)
        return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * KIB, out.read().decode(errors="replace"))
