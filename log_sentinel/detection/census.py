"""Counts of the last minutes by entity.

Every minute is a frame, in which entities are told apart by a hash of 64 bits. What a minute is asked for is computed
from them when it is asked for the first time: sums over the windows of the rules. The course of the few entities that
are looked at is kept up as it goes. The text of entities is kept while they wait to be learned or may be named.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection.counting import COUNTS
from log_sentinel.detection.learning import WAITS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# Entities held of one minute; ten thousand new addresses a minute fit. What is cut has the smallest counts.
MAX_ENTITIES_A_MINUTE = 50_000
# A course is this long.
HOUR = 60
# One that was not asked for in so many minutes is looked up anew.
FOLLOWED_FOR = 5

_HASHED: dict[str, type[pl.DataType]] = {"hash": pl.UInt64, "what": pl.UInt16, "n": pl.Int32, "minute": pl.Int32}
_MOST = 2**31 - 1


@dataclass(slots=True)
class _Followed:
    minutes: list[int]
    asked: int


class Census:
    """COUNTS of the last `keep` minutes, up to the newest that was put in.

    `windows`: in minutes, the windows that are summed up; in each, the places of what is counted, and the sum from
    which on an entity is `large`. `cut` is how many denials were left out, because their minute had more than
    MAX_ENTITIES_A_MINUTE entities.
    """

    def __init__(self, keep: int, windows: Mapping[int, Mapping[int, float]]) -> None:
        self.cut = 0
        self._keep = keep
        self._windows = windows
        self._newest = -1
        self._named: dict[int, pl.DataFrame] = {}
        self._hashed: dict[int, pl.DataFrame] = {}
        self._of_window: dict[int, dict[int, pl.DataFrame]] = {window: {} for window in windows}
        self._places = len({what for leasts in windows.values() for what in leasts})
        # those that may be named later than they wait to be learned
        self._wide = [what for window, leasts in windows.items() if window > WAITS for what in leasts]
        self._wide_named: dict[int, pl.DataFrame] = {}
        self._sums: dict[int, pl.DataFrame] = {}
        self._large: dict[int, dict[str, int]] = {}
        self._names: dict[int, dict[int, str]] = {window: {} for window in windows}
        self._followed: dict[str, _Followed] = {}

    def put(self, minute: int, counts: pl.DataFrame) -> None:
        """Takes the COUNTS of a minute, in the place of what was there. Forgets minutes older than `keep`."""
        before, self._newest = self._newest, max(self._newest, minute)
        named = self._bounded(counts).with_columns(hash=pl.col("entity").hash())
        self._named[minute] = named
        self._wide_named[minute] = named.filter(pl.col("what").is_in(self._wide))
        self._hashed[minute] = hashed = named.select(
            "hash",
            "what",
            pl.col("n").clip(upper_bound=_MOST).cast(pl.Int32),
            pl.lit(minute, pl.Int32).alias("minute"),
        )
        for window, frames in self._of_window.items():
            places = self._windows[window]
            whole = len(places) == self._places
            frames[minute] = hashed if whole else hashed.filter(pl.col("what").is_in(list(places)))
        kept = [(self._named, WAITS), (self._wide_named, max(self._windows, default=0)), (self._hashed, self._keep)]
        kept += [(frames, window) for window, frames in self._of_window.items()]
        for frames, minutes in kept:
            for old in [number for number in frames if number <= self._newest - minutes]:
                del frames[old]
        self._sums.clear()
        self._large.clear()
        if minute <= before:
            self._followed.clear()
        else:
            self._follow(minute - before, named)

    def counts(self, until: int, minutes: int) -> pl.DataFrame:
        """COUNTS of the `minutes` minutes up to and including `until`, which were not yet learned."""
        frames = [frame for minute, frame in self._named.items() if until - minutes < minute <= until]
        if not frames:
            return pl.DataFrame(schema=COUNTS)
        return pl.concat(frames).group_by("entity").agg(pl.col("what").first(), pl.col("n").sum())

    def large(self, window: int) -> Mapping[str, int]:
        """Entities that are large in that window, and how many they have."""
        if window not in self._large:
            leasts = {what: least for what, least in self._windows[window].items() if least < math.inf}
            least = pl.col("what").replace_strict(leasts, default=math.inf, return_dtype=pl.Float64)
            found = self._summed(window).filter(pl.col("n") >= least).sort("hash")
            self._name(window, found["hash"])
            names = self._names[window]
            self._large[window] = {names[hashed]: n for hashed, n in found.select("hash", "n").iter_rows()}
        return self._large[window]

    def sums(self, window: int, entities: Collection[str]) -> dict[str, int]:
        """How many each has in that window."""
        asked = pl.DataFrame({"entity": list(entities)}, {"entity": pl.String}).with_columns(
            hash=pl.col("entity").hash()
        )
        found = asked.join(self._summed(window), on="hash", how="left").select("entity", pl.col("n").fill_null(0))
        return dict(found.iter_rows())

    def courses(self, entities: Collection[str]) -> dict[str, list[int]]:
        """What each had in the minutes of the last HOUR, the newest first."""
        new = [entity for entity in entities if entity not in self._followed]
        if new:
            self._look_up(new)
        for entity in entities:
            self._followed[entity].asked = self._newest
        return {entity: self._followed[entity].minutes for entity in entities}

    def _bounded(self, counts: pl.DataFrame) -> pl.DataFrame:
        if counts.height <= MAX_ENTITIES_A_MINUTE:
            return counts
        kept = counts.top_k(MAX_ENTITIES_A_MINUTE, by=["n", "what", "entity"])
        self.cut += sum(counts["n"]) - sum(kept["n"])
        return kept

    def _summed(self, window: int) -> pl.DataFrame:
        """`hash`, `what` and `n` (Int64) of everything that is counted in that window."""
        if window not in self._sums:
            rows = pl.concat(self._of_window[window].values() or [pl.DataFrame(schema=_HASHED)])
            n = pl.col("n").cast(pl.Int64).sum()
            self._sums[window] = rows.group_by("hash").agg(pl.col("what").first(), n)
        return self._sums[window]

    def _name(self, window: int, hashes: pl.Series) -> None:
        """Finds the text of entities that became large: in the newest minute, but for what was put back or right."""
        names = {hashed: name for hashed in hashes if (name := self._names[window].get(hashed)) is not None}
        held = self._named if window <= WAITS else self._wide_named
        for minute in sorted(held, reverse=True):
            missing = [hashed for hashed in hashes if hashed not in names]
            if not missing:
                break
            those = held[minute].filter(pl.col("hash").is_in(missing))
            names |= dict(those.select("hash", "entity").iter_rows())
        self._names[window] = names

    def _look_up(self, entities: Collection[str]) -> None:
        names = pl.Series(entities, dtype=pl.String)
        hashes = names.hash()
        by_hash = dict(zip(hashes, names, strict=True))
        self._followed |= {entity: _Followed([0] * HOUR, self._newest) for entity in entities}
        frames = [frame for minute, frame in self._hashed.items() if self._newest - HOUR < minute]
        if not frames:
            return
        there = pl.concat(frames).filter(pl.col("hash").is_in(hashes.implode())).select("hash", "n", "minute")
        for hashed, n, minute in there.iter_rows():
            self._followed[by_hash[hashed]].minutes[self._newest - minute] = n

    def _follow(self, passed: int, named: pl.DataFrame) -> None:
        """`passed` minutes later, of which the newest has the counts `named`."""
        self._followed = {
            entity: followed
            for entity, followed in self._followed.items()
            if followed.asked >= self._newest - FOLLOWED_FOR
        }
        if not self._followed:
            return
        names = pl.Series(list(self._followed)).implode()
        there = dict(named.filter(pl.col("entity").is_in(names)).select("entity", "n").iter_rows())
        for entity, followed in self._followed.items():
            nothing = [0] * min(passed - 1, HOUR - 1)
            followed.minutes = [there.get(entity, 0), *nothing, *followed.minutes][:HOUR]
