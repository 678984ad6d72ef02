"""Runs a detector through seeded worlds and scores what it tells."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import polars as pl

from benchmarks.detection.incidents import labelled
from benchmarks.detection.scoring import Score
from benchmarks.detection.world import World
from log_sentinel.model.columns import DENIED_MINUTES, TRAFFIC

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.detection.incidents import Labelled
    from benchmarks.detection.interface import Detector
    from benchmarks.detection.world import Row

# a Monday midnight
START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = 1440
COLD = 20


@dataclass(frozen=True, slots=True)
class Bench:
    """`each`: incidents of every kind and world. `cold`: scored from the first minutes on, without a day of warm-up."""

    size: str
    seeds: Sequence[str]
    days: int
    each: int
    cold: bool = False

    @property
    def warm_up(self) -> int:
        return COLD if self.cold else DAY

    def run(self, detectors: Sequence[Detector]) -> tuple[Score, float]:
        """A fresh detector for every seed; gives the score over all and the CPU milliseconds a tick."""
        spent, runs = 0.0, []
        for seed, detector in zip(self.seeds, detectors, strict=True):
            world = World(self.size, Random(f"world {seed}"), self.days)
            incidents = labelled(world, Random(f"incidents {seed}"), self.each, self.warm_up)
            score = Score(incidents, self.days - self.warm_up / DAY)
            for minute, denied, traffic in minutes(world, incidents):
                began = time.process_time()
                told = detector.tick(START + timedelta(minutes=minute), denied, traffic)
                spent += time.process_time() - began
                for one in told if minute >= self.warm_up else ():
                    score.take(minute, one)
            runs.append(score)
        return merged(runs), spent / (self.days * DAY * len(runs)) * 1000


def minutes(world: World, incidents: list[Labelled]) -> Iterator[tuple[int, pl.DataFrame, pl.DataFrame]]:
    """DENIED_MINUTES and TRAFFIC of every minute, numbered from 0."""
    for minute in range(world.days * DAY):
        at = START + timedelta(minutes=minute)
        rows, requests = world.rows(minute), world.requests(minute)
        for one in incidents:
            rows.update(one.rows(minute, world.random))
        if world.silent(minute):
            rows.clear()
            requests.clear()
        yield minute, *frames(at, rows, requests)


def frames(at: datetime, rows: Counter[Row], allowed: Counter[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """DENIED_MINUTES and TRAFFIC of the minute `at`; a route that denies more allows as many fewer."""
    asked: Counter[tuple[str, int]] = Counter()
    for (_, _, route, status), n in rows.items():
        asked[route, status] += n
    broken = Counter({route: n for (route, _), n in asked.items()})
    asked.update({(route, 200): left for route, n in allowed.items() if (left := n - min(n, broken[route])) > 0})
    denied = [(at, "edge", *row, "unknown", n) for row, n in rows.items()]
    traffic = [(at, route, status, n) for (route, status), n in asked.items()]
    return pl.DataFrame(denied, schema=DENIED_MINUTES, orient="row"), pl.DataFrame(
        traffic, schema=TRAFFIC, orient="row"
    )


def merged(runs: Sequence[Score]) -> Score:
    """One score over several worlds."""
    whole = Score([one for run in runs for one in run.incidents], sum(run.days for run in runs))
    offset = 0
    for run in runs:
        whole.false_alarms += run.false_alarms
        whole.found |= {offset + at: found for at, found in run.found.items()}
        offset += len(run.incidents)
    return whole
