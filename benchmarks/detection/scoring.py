"""How well the incidents were told.

An incident is found when something is opened (or renamed) for it from its start to five minutes after its end, under a
name that has at least a tenth of its denials. What is opened under such a name up to an hour after its end is still it
(a second message, no false alarm); everything else that is opened is a false alarm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.detection.incidents import Labelled
    from benchmarks.detection.interface import Told

LATE = 5
AFTERMATH = 60


@dataclass
class Found:
    first: int | None = None
    openings: int = 0
    last_name: tuple[str, str] | None = None


@dataclass
class Score:
    """Takes what was told minute by minute, gives the figures."""

    incidents: list[Labelled]
    days: float
    false_alarms: list[tuple[int, Told]] = field(default_factory=list)
    found: dict[int, Found] = field(default_factory=dict)
    _of: dict[object, int] = field(default_factory=dict)

    def take(self, minute: int, told: Told) -> None:
        name = (told.dimension, told.key)
        if told.kind == "resolved":
            return
        at = self._of.get(told.incident) if told.kind == "updated" else None
        if at is None or name not in self.incidents[at].parts:
            matching = self._matching(minute, name)
            at = at if matching is None else matching
        if at is None:
            if told.kind == "opened":
                self.false_alarms.append((minute, told))
            return
        self._of[told.incident] = at
        found = self.found.setdefault(at, Found())
        if told.kind == "opened":
            found.openings += 1
        if minute < self.incidents[at].end + LATE and found.first is None:
            found.first = minute
        found.last_name = name

    def _matching(self, minute: int, name: tuple[str, str]) -> int | None:
        near = [
            (abs(minute - one.start), at)
            for at, one in enumerate(self.incidents)
            if one.start <= minute < one.end + AFTERMATH and name in one.parts
        ]
        return min(near)[1] if near else None

    def figures(self) -> dict[str, float]:
        hits = {at: one for at, one in self.found.items() if one.first is not None}
        delays = sorted(one.first - self.incidents[at].start for at, one in hits.items() if one.first is not None)
        alarms = len(self.false_alarms)
        low, high = interval(alarms)

        def recall(strength: str) -> float:
            of = [at for at, one in enumerate(self.incidents) if one.strength == strength]
            return sum(at in hits for at in of) / len(of) if of else float("nan")

        return {
            "precision": len(hits) / (len(hits) + alarms) if hits or alarms else float("nan"),
            "recall": len(hits) / len(self.incidents) if self.incidents else float("nan"),
            "weak": recall("weak"),
            "medium": recall("medium"),
            "strong": recall("strong"),
            "minutes to detect": median(delays) if delays else float("nan"),
            "95 % by": delays[int(0.95 * (len(delays) - 1))] if delays else float("nan"),
            "false alarms a week": alarms / self.days * 7,
            "at least": low / self.days * 7,
            "at most": high / self.days * 7,
            "messages an incident": sum(one.openings for one in hits.values()) / len(hits) if hits else float("nan"),
            "right name": sum(one.last_name in self.incidents[at].roots for at, one in hits.items()) / len(hits)
            if hits
            else float("nan"),
        }


def interval(count: int) -> tuple[float, float]:
    """The 95 % interval of a Poisson mean of which `count` were seen (Byar's approximation; 3 is the bound of none)."""
    if count == 0:
        return 0.0, 3.0
    low = count * (1 - 1 / (9 * count) - 1.96 / (3 * math.sqrt(count))) ** 3
    above = count + 1
    return max(0.0, low), above * (1 - 1 / (9 * above) + 1.96 / (3 * math.sqrt(above))) ** 3
