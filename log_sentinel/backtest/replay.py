"""Runs rules over history, minute by minute, exactly as the daemon's tick would have: same detector, same incidents.

What lies before the span, as far back as `learn`, teaches what is usual, as it does at a daemon's first start.
Minutes of a pause longer than the detector remembers are passed over, all but its first.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from log_sentinel.backtest.history import MINUTE
from log_sentinel.detection.detector import KEPT, Detector
from log_sentinel.incidents.stepping import GRACE, step
from log_sentinel.model.incident import IncidentState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import polars as pl

    from log_sentinel.backtest.history import History
    from log_sentinel.detection.rule import Rule
    from log_sentinel.detection.settings import DetectionSettings
    from log_sentinel.model.incident import Happening, Incident
    from log_sentinel.model.spike import Spike

# So much of the history is in memory at a time.
STRETCH = timedelta(hours=12)

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Span:
    """What rules are tried on: from the minute `first` to before `end`, after `learned` of history (UTC)."""

    first: datetime
    end: datetime
    learned: timedelta

    @property
    def weeks(self) -> float:
        return (self.end - self.first) / timedelta(weeks=1)


@dataclass(slots=True)
class Firing:
    """A rule fired for a key from `since` to `until` (its last minute), `peak` denials in its window at most."""

    rule: str
    dimension: str
    key: str
    since: datetime
    until: datetime
    peak: int


@dataclass(slots=True)
class Replay:
    """What came of it: `firings` of each rule and key, `incidents` as they stood at the end, all `happenings`."""

    name: str
    rules: tuple[Rule, ...]
    span: Span
    firings: list[Firing] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)


def replayed(
    name: str,
    rules: Sequence[Rule],
    settings: DetectionSettings,
    history: History,
    span: Span,
    progress: Callable[[datetime], None] = lambda minute: None,
) -> Replay:
    """What `rules`, called `name` together, make of `span`. `progress` is told of each minute that is done."""
    detector = Detector(rules, settings)
    made = _Replaying(Replay(name, tuple(rules), span))
    for since, until in stretches(span.first - span.learned, span.first):
        # what waits in memory to be learned is read again with it
        before = KEPT * MINUTE if detector.minute is not None else timedelta()
        detector.learn(*history.read(since - before, until), until)
    for minute, denied, traffic in _minutes(history, span):
        made.take(minute, history.known(detector.feed(minute, denied, traffic)))
        progress(minute)
    return made.finished()


class _Replaying:
    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._rules = {rule.name: rule for rule in replay.rules}
        self._firing: dict[tuple[str, str], Firing] = {}
        self._known: list[Incident] = []
        self._over: list[Incident] = []

    def take(self, minute: datetime, spikes: list[Spike]) -> None:
        self._fire(minute, spikes)
        gone = [one for one in self._known if one.resolved_at is not None and minute - one.resolved_at >= GRACE]
        self._over += gone
        stepped = step([one for one in self._known if one not in gone], spikes, minute, self._rules)
        given = len(self._over) + sum(one.id is not None for one in stepped.incidents)
        self._known = []
        for one in stepped.incidents:
            given += one.id is None
            self._known.append(one if one.id is not None else replace(one, id=given))
        ids = {(one.rule, one.dimension, one.key, one.opened_at): one.id for one in self._known}
        for told in stepped.happenings:
            of = told.incident
            number = of.id or ids[of.rule, of.dimension, of.key, of.opened_at]
            self._replay.happenings.append(replace(told, incident=replace(of, id=number)))

    def finished(self) -> Replay:
        self._replay.incidents = sorted([*self._over, *self._known], key=lambda one: one.id or 0)
        return self._replay

    def _fire(self, minute: datetime, spikes: list[Spike]) -> None:
        for spike in spikes:
            key = (spike.rule, spike.key)
            before = self._firing.get(key)
            if before is None or minute - before.until > self._rules[spike.rule].keep_firing_for:
                before = Firing(spike.rule, spike.dimension.value, spike.key, spike.since, minute, 0)
                self._firing[key] = before
                self._replay.firings.append(before)
            before.until, before.peak = minute, max(before.peak, spike.observed)


def is_open(incident: Incident) -> bool:
    """Whether it goes on at the end of the span."""
    return incident.state is not IncidentState.RESOLVED


def stretches(first: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The time from `first` to before `end` in parts that fit in memory."""
    while first < end:
        yield first, min(first + STRETCH, end)
        first += STRETCH


def _minutes(history: History, span: Span) -> Iterator[tuple[datetime, pl.DataFrame, pl.DataFrame]]:
    pause = 0
    for since, until in stretches(span.first, span.end):
        denied, traffic = history.read(since, until)
        denials, requests = _parts(denied), _parts(traffic)
        nobody, nothing = denied.clear(), traffic.clear()
        for number in range(int((until - since) / MINUTE)):
            minute = since + number * MINUTE
            pause = 0 if minute in denials or minute in requests else pause + 1
            if pause <= KEPT or minute == span.end - MINUTE:
                yield minute, denials.get(minute, nobody), requests.get(minute, nothing)


def _parts(frame: pl.DataFrame) -> dict[datetime, pl.DataFrame]:
    return {minute: rows for (minute,), rows in frame.partition_by("minute", as_dict=True).items()}
