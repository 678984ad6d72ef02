"""What the fast path makes of a batch, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import polars as pl

    from log_sentinel.parsing.line_starts import LineStarts
    from log_sentinel.parsing.rows import Rows

# inputs that make the request, and those that every request is counted by as they are
REQUEST = ("request", "method", "target")
COUNTED = ("ip", "client", "route")


@dataclass(slots=True)
class Taken:
    """What the fast path made of a batch; the lines in `left` (their numbers) are the careful path's. `activity` is
    bounded."""

    traffic: pl.DataFrame
    activity: pl.DataFrame
    rows: Rows
    lines: int
    left: list[int]


class BulkReader(Protocol):
    """Reads a batch at once."""

    def read(self, batch: LineStarts, wanted: frozenset[int] | None) -> Taken | None:
        """What it took of the batch, `wanted` statuses (None: all) whole; None when it is nothing for the fast path."""
