"""`python -m benchmarks.chaos.writer PLAN`: the writing process. PLAN is a JSON file (`Plan`).

An order comes as a JSON line on stdin: {"lines": how many more, "seconds": spread over how long, "stored": {log:
lines}, "each_mode": rotate by every mode not used yet}. A JSON line on stdout answers when it is done: {"written":
{log: lines}, "unused": modes by which no log was rotated yet}. What was written stands in the journal, synced to the
disk after every piece: it is the truth that the database is compared with.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.chaos.lines import Numbering
from benchmarks.chaos.rotations import WrittenLog

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_BURST = 2000


@dataclass(frozen=True)
class Plan:
    """`logs`: name of each log and the modes it is rotated by. `rotate_every`: lines of one log between rotations."""

    folder: str
    began: str
    seed: int
    rotate_every: int
    logs: dict[str, list[str]]


class Journal:
    def __init__(self, path: Path) -> None:
        self._file = path.open("a")

    def note(self, what: dict[str, object]) -> None:
        self._file.write(json.dumps(what) + "\n")
        self._file.flush()
        os.fdatasync(self._file.fileno())


class Writing:
    def __init__(self, plan: Plan) -> None:
        folder, began = Path(plan.folder), datetime.fromisoformat(plan.began)
        journal = Journal(folder / "journal")
        self._chance = random.Random(plan.seed)
        self._plan = plan
        self._logs = {
            name: WrittenLog(folder / "logs" / f"{name}.log", Numbering(name, began), self._chance, journal.note)
            for name in plan.logs
        }
        self._bags: dict[str, list[str]] = {name: [] for name in plan.logs}
        self._used: set[tuple[str, str]] = set()
        self._rotate_at = dict.fromkeys(plan.logs, self._interval())
        for name, log in self._logs.items():
            log.begin(linked="symlink" in plan.logs[name])

    def carry_out(self, order: dict[str, Any]) -> dict[str, Any]:
        """The answer to `order`."""
        for name, lines in order.get("stored", {}).items():
            self._logs[name].stored = lines
        bursts = list(self._bursts(order["lines"]))
        pause = order.get("seconds", 0.0) / max(1, len(bursts))
        for burst in bursts:
            name = self._chance.choice(list(self._logs))
            log = self._logs[name]
            log.write(burst)
            if log.written >= self._rotate_at[name]:
                self._rotate(name)
                self._rotate_at[name] = log.written + self._interval()
            time.sleep(pause)
        if order.get("each_mode"):
            for name, modes in self._plan.logs.items():
                # first what waits for all to be stored: the others write a line
                for mode in sorted(modes, key=lambda mode: mode != "delete"):
                    if (name, mode) not in self._used and self._logs[name].rotate(mode):
                        self._used.add((name, mode))
                        self._logs[name].write(1)
        wanted = {(name, mode) for name, modes in self._plan.logs.items() for mode in modes}
        return {
            "written": {name: log.written for name, log in self._logs.items()},
            "unused": sorted(" ".join(one) for one in wanted - self._used),
        }

    def _rotate(self, name: str) -> None:
        """By the next mode of the log's bag that can be done now; where none can, by another of its modes."""
        bag = self._bags[name]
        if not bag:
            bag += self._plan.logs[name]
            self._chance.shuffle(bag)
        # one that has to wait (deleting, for all to be stored) stays in the bag and must not keep the others out
        others = [mode for mode in self._plan.logs[name] if mode not in bag]
        for mode in [*bag, *self._chance.sample(others, len(others))]:
            if self._logs[name].rotate(mode):
                if mode in bag:
                    bag.remove(mode)
                self._used.add((name, mode))
                return

    def _bursts(self, lines: int) -> Iterator[int]:
        while lines > 0:
            burst = min(lines, self._chance.randrange(1, LONGEST_BURST))
            lines -= burst
            yield burst

    def _interval(self) -> int:
        return self._chance.randrange(self._plan.rotate_every // 2, self._plan.rotate_every * 3 // 2)


def main() -> None:
    writing = Writing(Plan(**json.loads(Path(sys.argv[1]).read_text())))
    for order in sys.stdin:
        sys.stdout.write(json.dumps(writing.carry_out(json.loads(order))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
