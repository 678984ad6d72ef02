"""Counts of the last minutes by entity, one small frame a minute."""

from __future__ import annotations

import polars as pl

from log_sentinel.detection.counting import COUNTS

# Entities held of one minute; ten thousand new addresses a minute fit. What is cut has the smallest counts.
MAX_ENTITIES_A_MINUTE = 50_000

BY_MINUTE: dict[str, type[pl.DataType]] = {**COUNTS, "minute": pl.Int64}


class Census:
    """COUNTS of the last `keep` minutes.

    `cut` is how many denials were left out, because their minute had more than MAX_ENTITIES_A_MINUTE entities.
    """

    def __init__(self, keep: int) -> None:
        self.cut = 0
        self._keep = keep
        self._minutes: dict[int, pl.DataFrame] = {}

    def put(self, minute: int, counts: pl.DataFrame) -> None:
        """Takes the COUNTS of a minute, in the place of what was there. Forgets minutes older than `keep`."""
        if counts.height > MAX_ENTITIES_A_MINUTE:
            whole = int(counts["n"].sum())
            counts = counts.top_k(MAX_ENTITIES_A_MINUTE, by="n")
            self.cut += whole - int(counts["n"].sum())
        self._minutes[minute] = counts.with_columns(pl.lit(minute, pl.Int64).alias("minute"))
        oldest = max(self._minutes) - self._keep
        self._minutes = {number: frame for number, frame in self._minutes.items() if number > oldest}

    def sums(self, until: int, minutes: int) -> pl.DataFrame:
        """COUNTS of the `minutes` minutes up to and including `until`."""
        return self.by_minute(until, minutes).group_by("entity").agg(pl.col("n").sum())

    def by_minute(self, until: int, minutes: int, entities: pl.Series | None = None) -> pl.DataFrame:
        """BY_MINUTE of those minutes; of `entities` alone when given."""
        frames = [frame for minute, frame in self._minutes.items() if until - minutes < minute <= until]
        if not frames:
            return pl.DataFrame(schema=BY_MINUTE)
        whole = pl.concat(frames)
        return whole if entities is None else whole.filter(pl.col("entity").is_in(entities.implode()))
