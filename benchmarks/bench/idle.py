"""The daemon with nothing to do: what it holds and burns while its logs stand still. Reads /proc: Linux only."""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench.files import BenchFile
from benchmarks.bench.programs import LOG_SENTINEL
from benchmarks.demo import watching

HEAD_BYTES = 400_000
START_SECONDS = 60
# the imports, the first detection ticks and the allocator's afterthoughts
SETTLE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Idle:
    """`resident` bytes at the end, `peak` since the start, `share` of one core over `seconds`."""

    resident: int
    peak: int
    share: float
    seconds: float


class NotHealthy(Exception):
    """The daemon ended, or `healthcheck` was not content with it in time."""


def idle(folder: Path, combined: BenchFile, kong: BenchFile, seconds: float) -> Idle:
    """Runs the daemon on the beginnings of two logs, lets it settle, then looks at it for so many seconds.

    Raises NotHealthy when it does not get that far.
    """
    edge = _head(combined.path, folder / "access.log")
    kong_log = _head(kong.path, folder / "kong.log")
    settings = watching.write_settings(folder, edge, kong_log, watching.free_port())
    with (folder / "daemon.log").open("wb") as told:
        daemon = watching.start(settings, told)
        try:
            _wait_until_healthy(daemon, settings, folder / "daemon.log")
            time.sleep(SETTLE_SECONDS)
            before, began = _cpu_seconds(daemon.pid), time.monotonic()
            time.sleep(seconds)
            used, passed = _cpu_seconds(daemon.pid) - before, time.monotonic() - began
            memory = _memory(daemon.pid)
        finally:
            watching.stop(daemon)
    return Idle(memory["VmRSS"], memory["VmHWM"], used / passed, passed)


def _head(log: Path, to: Path) -> Path:
    """A copy of the log's first lines."""
    with log.open("rb") as whole:
        head = whole.read(HEAD_BYTES)
    to.write_bytes(head[: head.rfind(b"\n") + 1])
    return to


def _wait_until_healthy(daemon: subprocess.Popen[bytes], settings: Path, told: Path) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and daemon.poll() is None:
        asked = subprocess.run([LOG_SENTINEL, "healthcheck", "--config", settings], capture_output=True, check=False)
        if asked.returncode == 0:
            return
        time.sleep(0.5)
    raise NotHealthy(
        f"{settings}: the daemon was not healthy within {START_SECONDS} s. It said:\n{told.read_text()[-2000:]}"
    )


def _cpu_seconds(pid: int) -> float:
    """User and system time of the process, all threads: fields 14 and 15 of proc_pid_stat(5)."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> dict[str, int]:
    """VmRSS and VmHWM in bytes, from proc_pid_status(5)."""
    rows = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows if row and row[0] in ("VmRSS:", "VmHWM:")}
