"""How often each rule would have fired, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from log_sentinel.backtest.replay import Replay, Span
    from log_sentinel.backtest.told import Told


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one rule. `fired`: how often it began to fire for a key; what was the same denials as another rule's spike is
    part of that one's incident. `incidents`: those that bear its name in the end, and `a_week` so many of them;
    `messages`: of those, to people. `minutes`: how long it fired, the median. `largest`: the key with the most denials
    in the window, and how many those were.
    """

    rule: str
    severity: str
    fired: int
    incidents: int
    messages: int
    a_week: float | None
    minutes: int | None
    largest: tuple[str, int] | None


def a_week(number: int, span: Span) -> float | None:
    """So many in `span` are how many a week; None when it is too short to say."""
    return round(number / span.weeks, 1) if span.end - span.first >= timedelta(days=1) else None


def figures(replay: Replay, told: Told) -> list[Figures]:
    """One row a rule, those of which there were most first."""
    rows = []
    for rule in replay.rules:
        firings = [one for one in replay.firings if one.rule == rule.name]
        largest = max(firings, key=lambda one: one.peak, default=None)
        incidents = sum(one.rule == rule.name for one in replay.incidents)
        rows.append(
            Figures(
                rule=rule.name,
                severity=rule.severity.value,
                fired=len(firings),
                incidents=incidents,
                messages=told.by_rule[rule.name],
                a_week=a_week(incidents, replay.span),
                minutes=round(median((one.until - one.since).total_seconds() / 60 + 1 for one in firings))
                if firings
                else None,
                largest=None if largest is None else (largest.key, largest.peak),
            )
        )
    return sorted(rows, key=lambda row: (-row.incidents, -row.fired, row.rule))
