"""The usual ways to alarm, entity by entity, for comparison: told when one fires, again after ten quiet minutes."""

from __future__ import annotations

import math
from collections import Counter, deque
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.detection.interface import Told

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import polars as pl

Entity = tuple[str, str]
QUIET = 10


class Rival:
    """Counts per client, ip and route; a subclass says which of them are high."""

    def __init__(self) -> None:
        self.minute = 0
        self.last: deque[Counter[Entity]] = deque(maxlen=60)
        self.five: Counter[Entity] = Counter()
        self._firing: dict[Entity, int] = {}

    def tick(self, minute: datetime, denied: pl.DataFrame, traffic: pl.DataFrame) -> list[Told]:
        self.minute += 1
        counts: Counter[Entity] = Counter()
        for client, ip, route, n in denied.select("client", "ip", "route", "n").iter_rows():
            for dimension, key in (("client", client), ("ip", ip), ("route", route)):
                if key is not None:
                    counts[dimension, key] += n
        self.last.append(counts)
        self.five = sum(list(self.last)[-5:], Counter())
        told = []
        for entity in self.high(counts):
            if entity not in self._firing:
                told.append(Told("opened", (entity, self.minute), *entity))
            self._firing[entity] = self.minute
        self._firing = {one: last for one, last in self._firing.items() if self.minute - last < QUIET}
        return told

    def high(self, counts: Counter[Entity]) -> Iterable[Entity]:
        raise NotImplementedError


class FixedNumber(Rival):
    """So many in so long, as fail2ban has it: 50 in five minutes."""

    def high(self, counts: Counter[Entity]) -> Iterable[Entity]:
        return [entity for entity in counts if self.five[entity] >= 50]


class LeakyBucket(Rival):
    """As CrowdSec has it: a capacity of 40, one leaking every ten seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._level: dict[Entity, float] = {}

    def high(self, counts: Counter[Entity]) -> Iterable[Entity]:
        self._level = {entity: level - 6 for entity, level in self._level.items() if level > 6}
        for entity, n in counts.items():
            self._level[entity] = self._level.get(entity, 0.0) + n
        over = [entity for entity in counts if self._level[entity] > 40]
        for entity in over:
            self._level[entity] = 0.0
        return over


class RatioFor(Rival):
    """As Prometheus users write it: five minutes three times the last hour's rate, `for: 5m`."""

    def __init__(self) -> None:
        super().__init__()
        self._since: dict[Entity, int] = {}

    def high(self, counts: Counter[Entity]) -> Iterable[Entity]:
        hour: Counter[Entity] = Counter()
        for minute in self.last:
            for entity in minute:
                if self.five[entity] >= 10:
                    hour[entity] += minute[entity]
        over = {entity for entity, n in hour.items() if self.five[entity] / 5 > 3 * n / 60}
        self._since = {entity: self._since.get(entity, self.minute) for entity in over}
        return [entity for entity, since in self._since.items() if self.minute - since >= 5]


class Ewma(Rival):
    """A z-score of 6 over an exponentially weighted mean of a day, at least 20 in five minutes."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[Entity, tuple[float, float, int]] = {}

    def high(self, counts: Counter[Entity]) -> Iterable[Entity]:
        over = []
        for entity in counts:
            mean, square, at = self._known.get(entity, (0.0, 0.0, self.minute))
            kept = 0.5 ** ((self.minute - at) / 1440)
            mean, square = mean * kept, square * kept
            n = self.five[entity]
            deviation = math.sqrt(max(square - mean * mean, 1.0))
            if n >= 20 and self.minute > 15 and (n - mean) / deviation > 6:
                over.append(entity)
            rate = 1 / 1440
            self._known[entity] = (mean + rate * (n - mean), square + rate * (n * n - square), self.minute)
        return over


class RobustZ(Rival):
    """A z-score of 6 over median and MAD of the entity's five-minute counts of the last day, at least 20."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[Entity, deque[int]] = {}

    def high(self, counts: Counter[Entity]) -> Iterable[Entity]:
        over = []
        for entity in counts:
            n, past = self.five[entity], self._known.get(entity)
            if n >= 20 and self.minute > 15:
                middle = median(past) if past else 0.0
                spread = 1.4826 * median(abs(one - middle) for one in past) if past else 0.0
                if (n - middle) / max(spread, 1.0) > 6:
                    over.append(entity)
            if self.minute % 5 == 0:
                self._known.setdefault(entity, deque(maxlen=288)).append(n)
        return over
