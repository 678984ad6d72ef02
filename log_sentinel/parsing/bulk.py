"""What the fast path makes of a batch, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import polars as pl

from log_sentinel.parsing import bulk_counts

if TYPE_CHECKING:
    from log_sentinel.parsing.canonical import Canonical
    from log_sentinel.parsing.line_starts import LineStarts
    from log_sentinel.parsing.rows import Rows

# inputs that make the request and the address, and those that every request is counted by as they are
REQUEST, ADDRESS = ("request", "method", "target"), ("ip", "forwarded_for", "forwarded")
COUNTED = ("ip", "client", "route")


@dataclass(slots=True)
class Taken:
    """What the fast path made of a batch; the lines in `left` (their numbers) are the careful path's."""

    traffic: pl.DataFrame
    activity: list[pl.DataFrame]
    rows: Rows
    lines: int
    left: list[int]


class BulkReader(Protocol):
    """Reads a batch at once."""

    def read(self, batch: LineStarts, wanted: frozenset[int] | None) -> Taken | None:
        """What it took of the batch, `wanted` statuses (None: all) whole; None when it is nothing for the fast path."""


def activity(cut: pl.DataFrame, canonical: Canonical, denied: frozenset[int]) -> list[pl.DataFrame]:
    """ACTIVITY frames, bounded, of what was cut."""
    frames = []
    if "client" in cut.columns:
        named = cut.filter(~pl.col("client").is_in(["-", ""]))
        if not named.is_empty():
            frames.append(bulk_counts.activity(named, "client", ["client"], canonical.clean, denied))
    if "ip" in cut.columns:
        cut = (
            cut.with_columns(pl.lit(None, pl.String).alias(name) for name in ADDRESS if name not in cut.columns)
            if canonical.proxies
            else cut
        )
        by = ADDRESS if canonical.proxies else ADDRESS[:1]
        frames.append(bulk_counts.activity(cut, "ip", by, canonical.address, denied))
    return frames
