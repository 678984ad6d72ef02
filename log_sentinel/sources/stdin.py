"""Lines that come through a pipe: `kubectl logs -f deploy/kong | log-sentinel run -`.

The pipe is read only as far as there is room; whoever writes to it waits meanwhile. What was read from it and is not
committed is held in memory, also while the settings are read again; with the process it is lost.
"""

from __future__ import annotations

import os
import select
import sys
from functools import cache
from typing import TYPE_CHECKING

from log_sentinel.sources.feed import Fed, Feed, block_of
from log_sentinel.sources.framing import Framing
from log_sentinel.sources.problems import Problems

if TYPE_CHECKING:
    from log_sentinel.model.lines import Lines
    from log_sentinel.sources.checkpoints import Checkpoints
    from log_sentinel.sources.feed import Block
    from log_sentinel.sources.settings import StdinSource
    from log_sentinel.sources.source import Problem

PLACE = "stdin"
PIECE_BYTES = 1 << 18


class Pipe:
    """The reading end `descriptor` of a pipe, and what was read of it that no source has stored. One a process."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.ended = False
        self.framing: Framing | None = None
        self.left: list[Block] = []

    def piece(self) -> bytes | None:
        """What there is to be read now; None when there is nothing, b"" at the end."""
        ready = select.select([self.descriptor], [], [], 0)[0]
        return os.read(self.descriptor, PIECE_BYTES) if ready else None


@cache
def standard_input() -> Pipe:
    return Pipe(sys.stdin.fileno())


class Stdin(Fed):
    """A source (sources.source.Source) over `pipe`."""

    def __init__(self, name: str, settings: StdinSource, checkpoints: Checkpoints, pipe: Pipe) -> None:
        super().__init__(name, Feed(name, PLACE, checkpoints, pipe.left))
        self._pipe = pipe
        self._longest = settings.max_line_bytes
        pipe.framing = pipe.framing or Framing(self._longest)
        self._framing = pipe.framing
        self._problems = Problems()
        self._stopped = False

    @property
    def is_over(self) -> bool:
        """Whether the pipe has ended and everything that came through it is committed."""
        return self._pipe.ended and not self._feed.held

    def read(self, limit: int) -> Lines | None:
        while not (self._stopped or self._pipe.ended) and self._feed.has_room:
            piece = self._pipe.piece()
            if piece is None:
                break
            self._pipe.ended = piece == b""
            messages = self._framing.end() if self._pipe.ended else self._framing.take(piece)
            self._feed.add(block_of(messages, self._longest))
        if self._pipe.ended:
            self._problems.tell(
                PLACE, "has ended", "Nothing more will come; start log-sentinel anew when there is more."
            )
        return super().read(limit)

    def problems(self) -> tuple[Problem, ...]:
        return self._problems.all()

    def stop(self) -> None:
        """Reads no more of the pipe; what was read is still given out."""
        self._stopped = True

    def close(self) -> None:
        self._pipe.left = self._feed.left()
