"""Counts of the last minutes by entity.

Every minute is a frame, in which entities are told apart by a hash of 64 bits. What a minute is asked for is computed
from them when it is asked for: of the windows of the rules, only what is large or named is summed up. The course of the
few entities that are looked at is kept up as it goes. The text of entities is kept while they wait to be learned or may
be named.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import polars as pl

from log_sentinel.detection.counting import COUNTS
from log_sentinel.detection.frames import hashed, hashes_of, owned
from log_sentinel.detection.learning import WAITS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

# Entities held of one minute; ten thousand new addresses a minute fit. What is cut has the smallest counts.
MAX_ENTITIES_A_MINUTE = 50_000
# A course is this long.
HOUR = 60
# One that was not asked for in so many minutes is looked up anew.
FOLLOWED_FOR = 5

# In the order of `hash`.
_HASHED: dict[str, type[pl.DataType]] = {"hash": pl.UInt64, "what": pl.UInt16, "n": pl.Int32}
_MOST = 2**31 - 1


@dataclass(slots=True)
class _Followed:
    hash_of: int
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
        # by window and minute, what may be large in the window: it has its part of the least in one of the minutes
        self._loud: dict[int, dict[int, pl.Series]] = {window: {} for window in windows}
        self._least = {window: _least(leasts) for window, leasts in windows.items()}
        self._places = len({what for leasts in windows.values() for what in leasts})
        # in these, what is large may have to be named later than it waits to be learned
        self._wide = [window for window in windows if window > WAITS]
        self._wide_named: dict[int, pl.DataFrame] = {}
        self._large: dict[int, dict[str, int]] = {}
        self._names: dict[int, dict[int, str]] = {window: {} for window in windows}
        self._followed: dict[str, _Followed] = {}

    def put(self, minute: int, counts: pl.DataFrame) -> None:
        """Takes the COUNTS of a minute, in the place of what was there. Forgets minutes older than `keep`."""
        before, self._newest = self._newest, max(self._newest, minute)
        named = owned(hashed(self._bounded(counts)).sort("hash"))
        self._named[minute] = named
        frame = named.select("hash", "what", pl.col("n").clip(upper_bound=_MOST).cast(pl.Int32))
        self._hashed[minute] = frame
        for window, frames in self._of_window.items():
            leasts = self._windows[window]
            whole = len(leasts) == self._places
            frames[minute] = rows = frame if whole else frame.filter(pl.col("what").is_in(list(leasts)))
            self._loud[window][minute] = rows.filter(pl.col("n") >= self._least[window] / window)["hash"]
        loud = pl.concat([pl.Series(dtype=pl.UInt64), *(self._loud[window][minute] for window in self._wide)])
        self._wide_named[minute] = owned(named.filter(pl.col("hash").is_in(loud.implode())))
        kept: list[tuple[dict[int, Any], int]] = [(self._named, WAITS), (self._hashed, HOUR)]
        kept.append((self._wide_named, max(self._windows, default=0)))
        kept += [(frames, window) for window, frames in self._of_window.items()]
        kept += [(loud, window) for window, loud in self._loud.items()]
        for frames, minutes in kept:
            for old in [number for number in frames if number <= self._newest - minutes]:
                del frames[old]
        self._large.clear()
        if minute <= before:
            self._followed.clear()
        else:
            self._follow(minute - before, frame)

    def counts(self, until: int, minutes: int) -> pl.DataFrame:
        """COUNTS of the `minutes` minutes up to and including `until`, which were not yet learned."""
        frames = [frame for minute, frame in self._named.items() if until - minutes < minute <= until]
        if not frames:
            return pl.DataFrame(schema=COUNTS)
        summed = pl.concat(frames).group_by("hash").agg(pl.col("entity", "what").first(), pl.col("n").sum())
        return summed.select(list(COUNTS))

    def large(self, window: int) -> Mapping[str, int]:
        """Entities that are large in that window, and how many they have."""
        if window not in self._large:
            loud = pl.concat([*self._loud[window].values(), pl.Series(dtype=pl.UInt64)])
            found = self._summed(window, loud).filter(pl.col("n") >= self._least[window]).sort("hash")
            self._name(window, found["hash"])
            names = self._names[window]
            self._large[window] = {names[hash_of]: n for hash_of, n in found.select("hash", "n").iter_rows()}
        return self._large[window]

    def sums(self, window: int, entities: Collection[str]) -> dict[str, int]:
        """How many each has in that window."""
        hashes = hashes_of(entities)
        found = dict(self._summed(window, hashes).select("hash", "n").iter_rows())
        return {entity: found.get(hash_of, 0) for entity, hash_of in zip(entities, hashes, strict=True)}

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

    def _summed(self, window: int, hashes: pl.Series) -> pl.DataFrame:
        """`hash`, `what` and `n` (Int64) of those of `hashes` that are there in that window."""
        rows = pl.concat(self._of_window[window].values() or [pl.DataFrame(schema=_HASHED)])
        those = rows.filter(pl.col("hash").is_in(hashes.implode()))
        return those.group_by("hash").agg(pl.col("what").first(), pl.col("n").cast(pl.Int64).sum())

    def _name(self, window: int, hashes: pl.Series) -> None:
        """Finds the text of entities that became large: in the newest minute, but for what was put back or right."""
        known = self._names[window]
        names = {hash_of: known[hash_of] for hash_of in hashes if hash_of in known}
        held = self._named if window <= WAITS else self._wide_named
        for minute in sorted(held, reverse=True):
            missing = [hash_of for hash_of in hashes if hash_of not in names]
            if not missing:
                break
            those = held[minute].filter(pl.col("hash").is_in(missing))
            names |= dict(those.select("hash", "entity").iter_rows())
        self._names[window] = names

    def _look_up(self, entities: Sequence[str]) -> None:
        hashes = hashes_of(entities)
        new = {hash_of: _Followed(hash_of, [0] * HOUR, self._newest) for hash_of in hashes}
        self._followed |= dict(zip(entities, new.values(), strict=True))
        frames = {minute: frame for minute, frame in self._hashed.items() if not frame.is_empty()}
        if not frames:
            return
        # each minute is in the order of the hashes: nothing is quicker than to look for the places where they would be
        places = pl.concat([frame["hash"].search_sorted(hashes) for frame in frames.values()])
        ends = list(accumulate(frame.height for frame in frames.values()))
        minutes = pl.DataFrame({"minute": list(frames), "first": [0, *ends[:-1]], "last": [end - 1 for end in ends]})
        asked = minutes.select(pl.all().repeat_by(len(new)).explode()).select(
            "minute", asked=pl.concat([hashes] * len(frames)), place=pl.min_horizontal(pl.col("first") + places, "last")
        )
        there = asked.hstack(pl.concat(frames.values())[asked["place"]]).filter(pl.col("hash") == pl.col("asked"))
        for minute, hash_of, n in there.select("minute", "hash", "n").iter_rows():
            new[hash_of].minutes[self._newest - minute] = n

    def _follow(self, passed: int, newest: pl.DataFrame) -> None:
        """`passed` minutes later, of which the `newest` has these counts."""
        self._followed = {
            entity: followed
            for entity, followed in self._followed.items()
            if followed.asked >= self._newest - FOLLOWED_FOR
        }
        if not self._followed:
            return
        hashes = pl.Series([followed.hash_of for followed in self._followed.values()], dtype=pl.UInt64)
        there = dict(newest.filter(pl.col("hash").is_in(hashes.implode())).select("hash", "n").iter_rows())
        for followed in self._followed.values():
            nothing = [0] * min(passed - 1, HOUR - 1)
            followed.minutes = [there.get(followed.hash_of, 0), *nothing, *followed.minutes][:HOUR]


def _least(leasts: Mapping[int, float]) -> pl.Expr:
    """By what is counted, the sum from which on an entity is large."""
    by_place = [leasts.get(what, math.inf) for what in range(max(leasts, default=0) + 1)]
    return pl.lit(pl.Series(by_place, dtype=pl.Float64)).gather("what", null_on_oob=True)
