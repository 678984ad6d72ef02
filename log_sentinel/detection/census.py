"""Counts of the last minutes by entity.

What every minute is asked for is kept up as it goes: sums over the windows of the rules, and the course of the few
entities that are looked at. The rest waits in frames, where entities are told apart by a hash of 64 bits; their text is
kept for as long as they wait to be learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection.counting import COUNTS
from log_sentinel.detection.learning import WAITS
from log_sentinel.detection.running import Running

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from log_sentinel.detection.tally import Tally

# Entities held of one minute; ten thousand new addresses a minute fit. What is cut has the smallest counts.
MAX_ENTITIES_A_MINUTE = 50_000
# A course is this long.
HOUR = 60
# One that was not asked for in so many minutes is looked up anew.
FOLLOWED_FOR = 5

_HASHED: dict[str, type[pl.DataType]] = {"hash": pl.UInt64, "n": pl.Int32, "minute": pl.Int32}
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
        self._newest = -1
        self._named: dict[int, pl.DataFrame] = {}
        self._hashed: dict[int, pl.DataFrame] = {}
        self._running = {window: Running(window, leasts) for window, leasts in windows.items()}
        self._followed: dict[str, _Followed] = {}

    def put(self, minute: int, counts: Tally) -> None:
        """Takes the counts of a minute, in the place of what was there. Forgets minutes older than `keep`."""
        counts = self._bounded(counts)
        before, self._newest = self._newest, max(self._newest, minute)
        there = {entity: n for of_place in counts.values() for entity, n in of_place.items()}
        named = pl.DataFrame([list(there), list(there.values())], schema=COUNTS)
        hashed = [
            named["entity"].hash(),
            named["n"].clip(upper_bound=_MOST),
            pl.repeat(minute, named.height, eager=True),
        ]
        self._named[minute] = named
        self._hashed[minute] = pl.DataFrame(hashed, schema=_HASHED)
        for frames, kept in ((self._named, WAITS), (self._hashed, self._keep)):
            for old in [number for number in frames if number <= self._newest - kept]:
                del frames[old]
        for running in self._running.values():
            running.put(minute, counts, self._newest)
        if minute <= before:
            self._followed.clear()
        else:
            self._follow(minute - before, there)

    def sums(self, until: int, minutes: int) -> pl.DataFrame:
        """COUNTS of the `minutes` minutes up to and including `until`, which were not yet learned."""
        frames = [frame for minute, frame in self._named.items() if until - minutes < minute <= until]
        if not frames:
            return pl.DataFrame(schema=COUNTS)
        return pl.concat(frames).group_by("entity").agg(pl.col("n").sum())

    def large(self, window: int) -> Mapping[str, int]:
        """Entities that are large in that window, and how many they have."""
        return self._running[window].large

    def sum(self, window: int, entity: str) -> int:
        """How many `entity` has in that window."""
        return self._running[window].sum(entity)

    def courses(self, entities: Collection[str]) -> dict[str, list[int]]:
        """What each had in the minutes of the last HOUR, the newest first."""
        new = [entity for entity in entities if entity not in self._followed]
        if new:
            self._look_up(new)
        for entity in entities:
            self._followed[entity].asked = self._newest
        return {entity: self._followed[entity].minutes for entity in entities}

    def _bounded(self, counts: Tally) -> Tally:
        if sum(map(len, counts.values())) <= MAX_ENTITIES_A_MINUTE:
            return counts
        by_size = sorted(
            ((n, place, entity) for place, of_place in counts.items() for entity, n in of_place.items()), reverse=True
        )
        self.cut += sum(n for n, _, _ in by_size[MAX_ENTITIES_A_MINUTE:])
        kept: Tally = {}
        for n, place, entity in by_size[:MAX_ENTITIES_A_MINUTE]:
            kept.setdefault(place, {})[entity] = n
        return kept

    def _look_up(self, entities: Collection[str]) -> None:
        names = pl.Series(entities, dtype=pl.String)
        hashes = names.hash()
        by_hash = dict(zip(hashes, names, strict=True))
        self._followed |= {entity: _Followed([0] * HOUR, self._newest) for entity in entities}
        frames = [frame for minute, frame in self._hashed.items() if self._newest - HOUR < minute]
        if not frames:
            return
        there = pl.concat(frames).filter(pl.col("hash").is_in(hashes.implode()))
        for hashed, n, minute in there.iter_rows():
            self._followed[by_hash[hashed]].minutes[self._newest - minute] = n

    def _follow(self, passed: int, there: Mapping[str, int]) -> None:
        """`passed` minutes later, of which the newest has the counts `there`."""
        self._followed = {
            entity: followed
            for entity, followed in self._followed.items()
            if followed.asked >= self._newest - FOLLOWED_FOR
        }
        for entity, followed in self._followed.items():
            nothing = [0] * min(passed - 1, HOUR - 1)
            followed.minutes = [there.get(entity, 0), *nothing, *followed.minutes][:HOUR]
