"""`python -m benchmarks.detection`: measures detectors on seeded traffic with labelled incidents."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import polars as pl

from benchmarks.detection.incidents import labelled
from benchmarks.detection.interface import detector_named
from benchmarks.detection.scoring import Score
from benchmarks.detection.world import DENIED_SHARE, World
from log_sentinel.model.columns import DENIED_MINUTES, TRAFFIC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.detection.incidents import Labelled
    from benchmarks.detection.interface import Detector

# a Monday midnight
START = datetime(2026, 3, 2, tzinfo=UTC)
OURS = "benchmarks.detection.product:shipped"
RIVALS = [f"benchmarks.detection.rivals:{name}" for name in ("FixedNumber", "LeakyBucket", "RatioFor", "Ewma", "RobustZ")]


def minutes(world: World, incidents: list[Labelled]) -> Iterator[tuple[int, pl.DataFrame, pl.DataFrame]]:
    """DENIED_MINUTES and TRAFFIC of every minute, numbered from 0."""
    usual = 0.0
    for minute in range(world.days * 1440):
        at = START + timedelta(minutes=minute)
        rows = world.rows(minute)
        usual = sum(rows.values()) if minute == 0 else 0.98 * usual + 0.02 * sum(rows.values()) / world.times(minute)
        for one in incidents:
            rows.update(one.rows(minute, world.random))
        if world.silent(minute):
            rows.clear()
        denied = pl.DataFrame(
            [(at, "edge", *row, "unknown", n) for row, n in rows.items()], schema=DENIED_MINUTES, orient="row"
        ) if rows else pl.DataFrame(schema=DENIED_MINUTES)  # fmt: skip
        asked = 0 if world.silent(minute) else round(usual * world.times(minute) / DENIED_SHARE)
        traffic = pl.DataFrame({"minute": [at], "route": ["/"], "status": [200], "n": [asked]}, schema=TRAFFIC)
        yield minute, denied, traffic if asked else traffic.clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=["S", "M", "L"], default="S", help="1,000, 10,000 or 100,000 clients")
    parser.add_argument("--seeds", default="101,102", help="comma separated")
    parser.add_argument("--days", type=int, default=4, help="the first one is not scored unless --cold")
    parser.add_argument("--each", type=int, default=5, help="incidents of every kind; 0 for false alarms alone")
    parser.add_argument("--cold", action="store_true", help="score from the first minute on")
    parser.add_argument("--detector", action="append", help="module:factory; ours and the usual ones when absent")
    parser.add_argument("--show", action="store_true", help="print false alarms and what was missed")
    asked = parser.parse_args()
    names = asked.detector or [OURS, *RIVALS]
    warm_up = 20 if asked.cold else 1440
    print(f"size {asked.size}, seeds {asked.seeds}, {asked.days} days each, {9 * asked.each} incidents each")
    for name in names:
        spent, runs = 0.0, []
        for seed in asked.seeds.split(","):
            world = World(asked.size, Random(f"world {seed}"), asked.days)
            incidents = labelled(world, Random(f"incidents {seed}"), asked.each, warm_up)
            score = Score(incidents, asked.days - (0 if asked.cold else 1))
            detector: Detector = detector_named(name)()
            for minute, denied, traffic in minutes(world, incidents):
                began = time.process_time()
                told = detector.tick(START + timedelta(minutes=minute), denied, traffic)
                spent += time.process_time() - began
                for one in told:
                    if minute >= warm_up:
                        score.take(minute, one)
            runs.append(score)
        whole = Score([one for run in runs for one in run.incidents], sum(run.days for run in runs))
        offset = 0
        for run in runs:
            whole.false_alarms += run.false_alarms
            whole.found |= {offset + at: found for at, found in run.found.items()}
            offset += len(run.incidents)
        ticks = asked.days * 1440 * len(runs)
        print(f"\n{name}  ({spent / ticks * 1000:.1f} ms of CPU a tick)")
        for what, figure in whole.figures().items():
            print(f"  {what:22} {figure:8.2f}")
        if asked.show:
            for minute, told in whole.false_alarms:
                print(f"  false: day {minute // 1440} {minute % 1440 // 60:02}:{minute % 60:02} {told.dimension} {told.key}")
            for at, one in enumerate(whole.incidents):
                if whole.found.get(at) is None or whole.found[at].first is None:
                    print(f"  missed: {one.kind}, {one.strength}, {one.rate:.0f} a minute, ramp {one.ramp}, {one.end - one.start} min")
                elif whole.found[at].last_name not in one.roots:
                    print(f"  misnamed: {one.kind}, {one.strength}: {whole.found[at].last_name}, is {one.roots}")


if __name__ == "__main__":
    main()
