"""A stretch of stored history, cut into bins for the baselines to learn from at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection.counting import COUNTS
from log_sentinel.detection.frames import hashed, owned
from log_sentinel.detection.minutes import BIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Bins that lie between a minute and what is learned at it.
LEARNED_LATE = 2
# Minutes that wait, the newest one among them.
WAITS = (LEARNED_LATE + 1) * BIN

# History is counted in parts of about so many rows: what is counted has many times as much text as they have.
ROWS_A_PART = 100_000

_NUMBER = (pl.col("minute").dt.epoch("s") // 60).cast(pl.Int64)


@dataclass(frozen=True, slots=True)
class Binned:
    """Counts of many bins.

    `rows`: hash, `age` (Int32: bins between theirs and the last one) and n; `entities`: hash, what and entity, in
    the order of hash.
    """

    rows: pl.DataFrame
    entities: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Span:
    """The minutes from `first` up to before `end`; of them, `bins` bins up to before `learned_end` are learned.

    The detector learns two bins late; what is left waits in memory until it is old enough.
    """

    first: int
    end: int
    bins: int
    learned_end: int

    @classmethod
    def of(cls, denied: pl.DataFrame, traffic: pl.DataFrame, last: int | None, end: int) -> Span | None:
        """What these frames have between the minute `last` (learned up to there, None: nothing is) and `end`.

        None when that is nothing.
        """
        firsts = [frame.select(_NUMBER.min()).item() for frame in (denied, traffic) if not frame.is_empty()]
        if last is not None:
            firsts = [last + 1]
        if not firsts or min(firsts) >= end:
            return None
        first = min(firsts)
        learned_from = first // BIN if last is None else last // BIN - LEARNED_LATE
        learned_to = (end - 1) // BIN - LEARNED_LATE
        return cls(first, end, max(0, learned_to - learned_from), learned_to * BIN)

    def binned(self, frame: pl.DataFrame, counted: Callable[[pl.DataFrame], pl.DataFrame]) -> Binned:
        """What is learned of `frame`; `counted` makes COUNTS with `age` of its rows."""
        age = self.learned_end // BIN - 1 - _NUMBER // BIN
        bins_a_part = max(1, self.bins * ROWS_A_PART // max(frame.height, ROWS_A_PART))
        rows = []
        entities = pl.DataFrame(schema={"hash": pl.UInt64, "what": COUNTS["what"], "entity": pl.String})
        for first in range(0, max(1, self.bins), bins_a_part):
            of_part = frame.filter(age.is_between(first, min(first + bins_a_part, self.bins) - 1))
            counts = hashed(counted(of_part.with_columns(age=age)))
            rows.append(counts.select("hash", pl.col("age").cast(pl.Int32), "n"))
            new = counts.select(entities.columns).unique("hash", keep="any").join(entities, on="hash", how="anti")
            entities = pl.concat([entities, owned(new)])
        return Binned(pl.concat(rows), entities.sort("hash"))

    @property
    def first_bin(self) -> int:
        return self.learned_end // BIN - self.bins

    def kept(
        self, denied: pl.DataFrame, traffic: pl.DataFrame, keep: int
    ) -> Iterator[tuple[int, pl.DataFrame, pl.DataFrame]]:
        """The last `keep` minutes one by one: their numbers and rows."""
        first = max(self.first, self.end - keep)
        denials, asked = (
            frame.with_columns(at=_NUMBER)
            .filter(pl.col("at") >= first)
            .partition_by("at", as_dict=True, include_key=False)
            for frame in (denied, traffic)
        )
        for number in range(first, self.end):
            there, requests = denials.get((number,), denied.clear()), asked.get((number,), traffic.clear())
            # what stays in memory must not hold the text of the whole history
            yield number, owned(there), owned(requests)
