"""What is wrong with a source now, each thing once, since when; and what went wrong, for a day."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from log_sentinel.sources.source import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_sentinel.sources.opening import CannotRead

MOST_TOLD = 100
TOLD_FOR_SECONDS = 86_400.0


class Problems:
    """Problems by the place they are at; a new one at the same place takes the old one's.

    `tell` is of what lasts until somebody says that it is `solved`; `happened` of what is over and cannot be mended, a
    file that is gone: it is told for TOLD_FOR_SECONDS. `clock` is monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at: dict[str, tuple[Problem, float]] = {}

    def tell(self, where: str, found: str, to_do: str) -> None:
        self._put(where, found, to_do, math.inf)

    def happened(self, where: str, found: str, to_do: str) -> None:
        self._put(where, found, to_do, self._clock() + TOLD_FOR_SECONDS)

    def cannot_read(self, why: CannotRead) -> None:
        self.tell(why.path, why.found, why.to_do)

    def solved(self, where: str) -> None:
        self._at.pop(where, None)

    def all(self) -> tuple[Problem, ...]:
        now = self._clock()
        return tuple(problem for problem, until in list(self._at.values()) if now < until)

    def _put(self, where: str, found: str, to_do: str, until: float) -> None:
        known = self._at.get(where)
        if known is not None and (known[0].found, known[0].to_do) == (found, to_do):
            self._at[where] = (known[0], until)
            return
        self._at.pop(where, None)
        self._at[where] = (Problem(where, found, to_do, datetime.now(UTC)), until)
        if len(self._at) > MOST_TOLD:
            del self._at[next(iter(self._at))]
