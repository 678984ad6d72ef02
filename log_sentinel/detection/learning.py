"""A stretch of stored history, cut into bins for the baselines to learn from at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection.minutes import BIN

if TYPE_CHECKING:
    from collections.abc import Iterator


# Bins that lie between a minute and what is learned at it.
LEARNED_LATE = 2
# Minutes that wait, the newest one among them.
WAITS = (LEARNED_LATE + 1) * BIN

_NUMBER = (pl.col("minute").dt.epoch("s") // 60).cast(pl.Int64)


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

    def aged(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows that are learned, with `age` (Int64): bins between theirs and the last one that is."""
        age = self.learned_end // BIN - 1 - _NUMBER // BIN
        return frame.with_columns(age=age).filter(pl.col("age").is_between(0, self.bins - 1))

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
            yield number, denials.get((number,), denied.clear()), asked.get((number,), traffic.clear())
