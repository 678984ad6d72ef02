"""What is wrong with a source now, each thing once, since when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from log_sentinel.sources.source import Problem

if TYPE_CHECKING:
    from log_sentinel.sources.opening import CannotRead

MOST_TOLD = 100


class Problems:
    """Problems by the place they are at; a new one at the same place takes the old one's."""

    def __init__(self) -> None:
        self._at: dict[str, Problem] = {}

    def tell(self, where: str, found: str, to_do: str) -> None:
        known = self._at.get(where)
        if known is not None and (known.found, known.to_do) == (found, to_do):
            return
        self._at.pop(where, None)
        self._at[where] = Problem(where, found, to_do, datetime.now(UTC))
        if len(self._at) > MOST_TOLD:
            del self._at[next(iter(self._at))]

    def cannot_read(self, why: CannotRead) -> None:
        self.tell(why.path, why.found, why.to_do)

    def solved(self, where: str) -> None:
        self._at.pop(where, None)

    def all(self) -> tuple[Problem, ...]:
        return tuple(self._at.values())
