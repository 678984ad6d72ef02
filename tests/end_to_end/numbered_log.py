"""A log whose every line has a number, and what must be in the database after it: counted without log-sentinel."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STATUSES = (200, 200, 200, 201, 304, 403, 404, 429, 500)


@dataclass
class Expected:
    """What a complete and single reading of the lines gives."""

    denied: list[tuple[int, int]] = field(default_factory=list)
    by_minute_and_status: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return self.by_minute_and_status.total()


class NumberedLog:
    """Writes lines in nginx's combined format, each with its number in the path; remembers what it wrote."""

    def __init__(self, path: Path, seed: int, began: datetime) -> None:
        self.path = path
        self.expected = Expected()
        self._random = random.Random(seed)
        self._began = began
        self._written = 0
        self._rotated = 0

    def write(self, lines: int) -> None:
        """Appends `lines` lines; some hundreds to a minute of the log's time."""
        text = "".join(self._line() for _ in range(lines))
        with self.path.open("a") as log:
            log.write(text)

    def rotate(self) -> None:
        """Rename and create, as logrotate does it: `.1` is the newest."""
        for number in range(self._rotated, 0, -1):
            self._named(number).rename(self._named(number + 1))
        self.path.rename(self._named(1))
        self.path.touch()
        self._rotated += 1

    def _named(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _line(self) -> str:
        number = self._written
        self._written += 1
        at = self._began + timedelta(seconds=number // 10)
        status = self._random.choice(STATUSES)
        self.expected.by_minute_and_status[at.strftime("%Y-%m-%d %H:%M"), status] += 1
        if status in (403, 429):
            self.expected.denied.append((number, status))
        address = f"198.51.100.{self._random.randrange(1, 250)}"
        stamp = at.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        return f'{address} - - [{stamp}] "GET /lines/{number:09d} HTTP/1.1" {status} 99 "-" "okhttp/4.12.0"\n'


class Writing:
    """Writes in a thread at full speed, in bursts, and rotates now and then, until `lines` are written."""

    def __init__(self, log: NumberedLog, lines: int, *, rotate_every: int) -> None:
        self._log = log
        self._lines = lines
        self._rotate_every = rotate_every
        self._thread = threading.Thread(target=self._write, name="gateway")

    def __enter__(self) -> Writing:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _write(self) -> None:
        bursts = random.Random(self._lines)
        written = since_rotation = 0
        while written < self._lines:
            burst = min(bursts.randrange(1, 2000), self._lines - written)
            self._log.write(burst)
            written += burst
            since_rotation += burst
            if since_rotation >= self._rotate_every:
                self._log.rotate()
                since_rotation = 0
