"""The daemon under test as a process: started, killed, asked to stop; what it said is kept in a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("log-sentinel")
# What `run` exits with when the database is not there yet, or is still held by the one that was just killed.
TRY_AGAIN = 75
# For a machine that is busy with other things; what is really needed is in the report.
READY_WITHIN_SECONDS = 180.0
STOPS_WITHIN_SECONDS = 60.0
LOOKS_EVERY_SECONDS = 0.01


class Died(Exception):
    """It ended by itself with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the daemon ended by itself with {code}")
        self.code = code


class Daemon:
    """`log-sentinel run` on the settings file, started. `said` is where its output is appended."""

    def __init__(self, settings: Path, said: Path) -> None:
        self._said = said
        self._from = said.stat().st_size if said.exists() else 0
        self.began = time.monotonic()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LOG_SENTINEL")}
        with said.open("ab") as output:
            self._process = subprocess.Popen(
                [PROGRAM, "run", "--config", str(settings)],
                stdout=output,
                stderr=output,
                cwd=settings.parent,
                env=clean,
            )

    def wait_until_ready(self) -> float:
        """Seconds from its start until it watches. Raises Died."""
        while time.monotonic() - self.began < READY_WITHIN_SECONDS:
            with self._said.open("rb") as file:
                file.seek(self._from)
                if b'"watching"' in file.read():
                    return time.monotonic() - self.began
            self.check_alive()
            time.sleep(LOOKS_EVERY_SECONDS)
        raise TimeoutError(f"the daemon did not start within {READY_WITHIN_SECONDS} s; see {self._said}")

    def check_alive(self) -> None:
        """Raises Died."""
        code = self._process.poll()
        if code is not None:
            raise Died(code)

    def peak_memory(self) -> int:
        """The most memory it had, in bytes; 0 when it is gone."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text()
        except OSError:
            return 0
        return next((int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM")), 0)

    def kill(self) -> bool:
        """kill -9; whether that is what ended it."""
        self._process.kill()
        return self._process.wait() == -signal.SIGKILL

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> int:
        """Its exit code after SIGTERM."""
        self._process.terminate()
        try:
            return self._process.wait(STOPS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL
