"""`python -m benchmarks.detection`: measures detectors on seeded traffic with labelled incidents."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from benchmarks.detection import tick
from benchmarks.detection.interface import detector_named
from benchmarks.detection.running import Bench

if TYPE_CHECKING:
    from benchmarks.detection.scoring import Score

OURS = "benchmarks.detection.product:shipped"
RIVALS = ("FixedNumber", "LeakyBucket", "RatioFor", "Ewma", "RobustZ")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=["S", "M", "L"], default="S", help="1,000, 10,000 or 100,000 clients")
    parser.add_argument("--seeds", default="101,102", help="comma separated")
    parser.add_argument("--days", type=int, default=4, help="the first one is not scored unless --cold")
    parser.add_argument("--each", type=int, default=5, help="incidents of every kind; 0 for false alarms alone")
    parser.add_argument("--cold", action="store_true", help="score from the first minutes on")
    parser.add_argument("--detector", action="append", help="module:factory; ours and the usual ones when absent")
    parser.add_argument("--show", action="store_true", help="print false alarms and what was missed")
    parser.add_argument("--tick", action="store_true", help="measure what one tick costs instead")
    asked = parser.parse_args()
    if asked.tick:
        tick.main()
        return
    bench = Bench(asked.size, asked.seeds.split(","), asked.days, asked.each, asked.cold)
    print(f"size {asked.size}, seeds {asked.seeds}, {asked.days} days each, {9 * asked.each} incidents each")
    for name in asked.detector or [OURS, *(f"benchmarks.detection.rivals:{rival}" for rival in RIVALS)]:
        make = detector_named(name)
        score, cost = bench.run([make() for _ in bench.seeds])
        print(f"\n{name}  ({cost:.1f} ms of CPU a tick)")
        for what, figure in score.figures().items():
            print(f"  {what:22} {figure:8.2f}")
        if asked.show:
            show(score)


def show(score: Score) -> None:
    """What was wrong, one line each."""
    for minute, told in score.false_alarms:
        clock = f"day {minute // 1440} {minute % 1440 // 60:02}:{minute % 60:02}"
        print(f"  false: {clock} {told.dimension} {told.key}")
    for at, one in enumerate(score.incidents):
        found = score.found.get(at)
        what = f"{one.kind}, {one.strength}, {one.rate:.0f} a minute, ramp {one.ramp}, {one.end - one.start} minutes"
        if found is None or found.first is None:
            print(f"  missed: {what}")
        elif found.last_name not in one.roots:
            print(f"  misnamed: {what}: {found.last_name}, is {one.roots}")


if __name__ == "__main__":
    main()
