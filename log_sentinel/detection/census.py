"""Counts of the last minutes by entity.

Entities are told apart by a hash of 64 bits, which adds up several times faster than text does; the text is kept once
a minute to name the few that matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection.counting import COUNTS

if TYPE_CHECKING:
    from collections.abc import Mapping

# Entities held of one minute; ten thousand new addresses a minute fit. What is cut has the smallest counts.
MAX_ENTITIES_A_MINUTE = 50_000

BY_MINUTE: dict[str, type[pl.DataType]] = {**COUNTS, "minute": pl.Int64}
_HASHED: dict[str, type[pl.DataType]] = {"hash": pl.UInt64, "n": pl.Int64, "minute": pl.Int64}


class Census:
    """COUNTS of the last `keep` minutes.

    `cut` is how many denials were left out, because their minute had more than MAX_ENTITIES_A_MINUTE entities.
    """

    def __init__(self, keep: int) -> None:
        self.cut = 0
        self._keep = keep
        self._named: dict[int, pl.DataFrame] = {}
        self._hashed: dict[int, pl.DataFrame] = {}

    def put(self, minute: int, counts: pl.DataFrame) -> None:
        """Takes the COUNTS of a minute, in the place of what was there. Forgets minutes older than `keep`."""
        if counts.height > MAX_ENTITIES_A_MINUTE:
            whole = int(counts["n"].sum())
            counts = counts.top_k(MAX_ENTITIES_A_MINUTE, by="n")
            self.cut += whole - int(counts["n"].sum())
        with_hash = counts.select("entity", "n", hash=pl.col("entity").hash(), minute=pl.lit(minute, pl.Int64))
        self._named[minute] = with_hash.select("entity", "hash", "n")
        self._hashed[minute] = with_hash.select(list(_HASHED))
        for old in [number for number in self._named if number <= max(self._named) - self._keep]:
            del self._named[old], self._hashed[old]

    def sums(self, until: int, minutes: int) -> pl.DataFrame:
        """COUNTS of the `minutes` minutes up to and including `until`."""
        frames = [frame for minute, frame in self._named.items() if until - minutes < minute <= until]
        if not frames:
            return pl.DataFrame(schema=COUNTS)
        return pl.concat(frames).group_by("entity").agg(pl.col("n").sum())

    def largest(self, until: int, leasts: Mapping[int, float]) -> list[tuple[str, dict[int, int]]]:
        """Entities that have in one of the windows of `leasts` (minutes: denials) at least so many, and how many."""
        sums: dict[int, dict[int, int]] = {}
        for window, least in leasts.items():
            in_window = self._rows(until, window).group_by("hash").agg(pl.col("n").sum())
            sums[window] = dict(in_window.filter(pl.col("n") >= least).iter_rows())
        hashes = pl.Series(sorted({one for of_window in sums.values() for one in of_window}), dtype=pl.UInt64)
        names: dict[int, str] = {}
        for minute in range(until, until - max(leasts, default=0), -1):
            if len(names) == len(hashes):
                break
            if minute in self._named:
                here = self._named[minute].filter(pl.col("hash").is_in(hashes.implode()))
                names |= dict(here.select("hash", "entity").iter_rows())
        return [
            (name, {window: n for window in leasts if (n := sums[window].get(one)) is not None})
            for one, name in names.items()
        ]

    def by_minute(self, until: int, minutes: int, entities: pl.Series) -> pl.DataFrame:
        """BY_MINUTE of those minutes, of `entities` alone."""
        names = pl.DataFrame({"entity": entities.unique()}).with_columns(hash=pl.col("entity").hash())
        return (
            self._rows(until, minutes)
            .filter(pl.col("hash").is_in(names["hash"].implode()))
            .join(names, on="hash")
            .select(list(BY_MINUTE))
        )

    def _rows(self, until: int, minutes: int) -> pl.DataFrame:
        frames = [frame for minute, frame in self._hashed.items() if until - minutes < minute <= until]
        return pl.concat(frames) if frames else pl.DataFrame(schema=_HASHED)
