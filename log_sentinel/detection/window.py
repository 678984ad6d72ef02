"""The denials of the last minutes, row by row, for the evidence of what fires."""

from __future__ import annotations

import polars as pl

from log_sentinel.detection.counting import with_network
from log_sentinel.model.columns import DENIED_MINUTES

# Rows held of one minute; of more, the largest. Counts are made before the cut and are whole.
MAX_ROWS_A_MINUTE = 10_000

ROWS: dict[str, pl.DataType | type[pl.DataType]] = {
    **{name: kind for name, kind in DENIED_MINUTES.items() if name != "minute"},
    "network": pl.String,
}


class Window:
    """ROWS of the last `keep` minutes."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._minutes: dict[int, pl.DataFrame] = {}
        self._totals: dict[int, int] = {}

    def put(self, minute: int, rows: pl.DataFrame) -> None:
        """Takes a minute's ROWS, in the place of what was there. Forgets minutes older than `keep`."""
        self._totals[minute] = int(rows["n"].sum())
        kept = rows if rows.height <= MAX_ROWS_A_MINUTE else rows.top_k(MAX_ROWS_A_MINUTE, by="n")
        self._minutes[minute] = kept.with_columns(minute=pl.lit(minute, pl.Int32))
        oldest = max(self._minutes) - self._keep
        self._minutes = {number: frame for number, frame in self._minutes.items() if number > oldest}
        self._totals = {number: total for number, total in self._totals.items() if number > oldest}

    def total(self, minute: int) -> int | None:
        """All denials of that minute; None when it is not held."""
        return self._totals.get(minute)

    def rows(self, until: int, minutes: int) -> pl.DataFrame:
        """ROWS of the `minutes` minutes up to and including `until`, and the `minute` (Int32, its number) of each."""
        frames = [frame for minute, frame in self._minutes.items() if until - minutes < minute <= until]
        return pl.concat(frames) if frames else pl.DataFrame(schema={**ROWS, "minute": pl.Int32})


def rows_of(denied: pl.DataFrame) -> pl.DataFrame:
    """ROWS of DENIED_MINUTES of one minute."""
    return with_network(denied.select(name for name in ROWS if name != "network"))
