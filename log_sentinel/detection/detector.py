"""Counts in, spikes out, a minute at a time.

Holds the last hour in memory and what is usual for every entity; knows no clock, no database and no incident. A minute
is fed once it is closed, in order, an empty one too; `amend` puts a minute right when late rows came. The usual is
learned ten minutes late, so that the first minutes of an incident are recognised before they could teach.

All that decides is in `state()`, the minutes in memory apart: those are put back by `refill`. A detector restored so
says the same from there on as one that never stopped.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

from log_sentinel.detection import counting, learning, minutes
from log_sentinel.detection.baseline import Baseline
from log_sentinel.detection.bursts import Bursts
from log_sentinel.detection.candidates import Knowledge
from log_sentinel.detection.census import Census
from log_sentinel.detection.faults import Faults
from log_sentinel.detection.firing import Firing, Touched, since_first_fired
from log_sentinel.detection.judging import Judging
from log_sentinel.detection.learning import LEARNED_LATE
from log_sentinel.detection.minutes import BIN
from log_sentinel.detection.requests import Requests
from log_sentinel.detection.rule import WIDEST, in_denials
from log_sentinel.detection.silence import Silences
from log_sentinel.detection.spikes import spikes_of, touched
from log_sentinel.detection.spread import as_asked
from log_sentinel.detection.window import Window, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import polars as pl

    from log_sentinel.detection.high import High
    from log_sentinel.detection.rule import Rule
    from log_sentinel.detection.settings import DetectionSettings
    from log_sentinel.model.spike import Spike

# Of the form of `state()`.
STATE_VERSION = 5
# Minutes held: the widest window, the minutes before it that confirm, and the bins that wait to be learned.
KEPT = WIDEST + 2 * BIN


class Detector:
    """Judges every minute by `rules`. A rule that fails is left out of that minute and noted in `faults`."""

    def __init__(self, rules: Sequence[Rule], settings: DetectionSettings) -> None:
        self.rules = tuple(rules)
        self.settings = settings
        self.minute: int | None = None
        self.first: int | None = None
        counted = {rule.counted for rule in rules} | {in_denials(rule.counted) for rule in rules}
        self._counted = sorted(counted, key=lambda one: one.named)
        self.faults = Faults()
        self._judging = Judging(self.rules, self._counted, self.faults)
        self._silences = Silences(self.rules, self._counted, self.faults)
        self._window = Window(KEPT)
        self._census = Census(KEPT, self._windows())
        self._requests = Requests(KEPT, self._silences.windows(of_requests=True))
        self._usual = {over: Baseline(over) for over in sorted({rule.usual_over for rule in rules})}
        self._bursts = Bursts(pools={str(what): counted.dimension.value for what, counted in enumerate(self._counted)})
        self._touched = Touched()
        self._firing = {number: Firing() for number in range(len(rules))}

    @property
    def entities(self) -> int:
        """Entities whose usual counts are held."""
        return sum(usual.entities for usual in self._usual.values())

    @property
    def cut(self) -> int:
        """Denials that were not counted by entity because their minute had too many entities."""
        return self._census.cut

    @property
    def baselines(self) -> dict[str, Baseline]:
        """What is usual, by a name to keep it under."""
        return {f"denials over {over}": usual for over, usual in self._usual.items()} | {
            "requests": self._requests.usual
        }

    def feed(self, minute: datetime, denied: pl.DataFrame, traffic: pl.DataFrame) -> list[Spike]:
        """The spikes at the end of `minute`, all that fire, those that went on from before too.

        `denied`: DENIED_MINUTES, `traffic`: TRAFFIC, of that minute alone. Raises ValueError when the minute is not
        after the last one. Minutes that were left out had nothing in them.
        """
        number = minutes.number(minute)
        if self.minute is not None and number <= self.minute:
            raise ValueError(f"minute {minute} was fed already; the last one was {minutes.moment(self.minute)}.")
        self._learn_up_to(number)
        self._put(number, denied, traffic)
        if denied.is_empty() and traffic.is_empty():
            self._bursts.set_apart()  # a gap cuts what went on
        self.minute = number
        self.first = number if self.first is None else self.first
        if not self.rules:
            return []
        budget = self.settings.false_alarms_per_week
        known = Knowledge(self._census, self._usual, self._requests, self._bursts, number - self.first + 1, budget)
        high = [*self._judging.high(number, known, self._firing), *self._silences.high(number, known)]
        high = as_asked(high, self.rules, number, self._window, self._census, self._requests, self._firing, self.faults)
        high = since_first_fired(high, self._firing, number)
        if not high:
            return []
        high = [self._in_denials(one, number) for one in high]
        spikes = spikes_of(high, self.rules, number, self._window, self._census, self._requests)
        parts = touched(spikes, self._counted)
        self._touched.touch(number, parts)
        self._bursts.set_apart(parts - {one.entity for one in high})
        return spikes

    def amend(self, minute: datetime, denied: pl.DataFrame, traffic: pl.DataFrame) -> None:
        """Puts a minute that was fed right: these are all its DENIED_MINUTES and TRAFFIC. Old minutes are let lie."""
        number = minutes.number(minute)
        if self.minute is not None and self.minute - KEPT < number <= self.minute:
            self._put(number, denied, traffic)

    def refill(self, minute: datetime, denied: pl.DataFrame, traffic: pl.DataFrame) -> None:
        """Puts a minute back into memory after `restore`: it was fed and judged before."""
        self._put(minutes.number(minute), denied, traffic)

    def total(self, minute: datetime) -> int | None:
        """All denials of a minute in memory, None when it is not there: whether late rows came."""
        return self._window.total(minutes.number(minute))

    def learn(self, denied: pl.DataFrame, traffic: pl.DataFrame, until: datetime) -> None:
        """Learns from history in bulk and judges nothing: DENIED_MINUTES and TRAFFIC up to the minute before `until`.

        Goes on from the last minute, whose last quarter of an hour must be in the frames again; a detector without one
        begins with the first minute in them.
        """
        end = minutes.number(until)
        span = learning.Span.of(denied, traffic, self.minute, end)
        if span is None:
            return
        binned = span.binned(denied, lambda rows: counting.counts(counting.with_network(rows), self._counted, "age"))
        for usual in self._usual.values():
            usual.learn_many(binned, span.first_bin, span.bins)
        self._requests.learn_many(traffic, span)
        for number, there, asked in span.kept(denied, traffic, KEPT):
            self._put(number, there, asked)
        self.minute = end - 1
        self.first = span.first if self.first is None else self.first

    def state(self) -> dict[str, object]:
        """What must outlive this process, JSON-able."""
        return {
            "version": STATE_VERSION,
            "minute": self.minute,
            "first": self.first,
            "counted": [counted.named for counted in self._counted],
            "firing": {self.rules[number].name: firing.state() for number, firing in self._firing.items()},
            "bursts": self._bursts.state(),
            "touched": self._touched.state(),
            "baselines": {name: usual.state() for name, usual in self.baselines.items()},
        }

    def restore(self, state: Mapping[str, object]) -> bool:
        """Takes the place of the detector that gave `state`. False, and nothing taken, if that one counted something
        else than these rules do, or wrote it down in another way: history must be learned anew."""
        if state.get("version") != STATE_VERSION:
            return False
        known = cast("dict[str, dict[str, object]]", state["baselines"])
        if (
            state["counted"] != [counted.named for counted in self._counted]
            or not known.keys() >= self.baselines.keys()
        ):
            return False
        self.minute = cast("int | None", state["minute"])
        self.first = cast("int | None", state["first"])
        for name, baseline in self.baselines.items():
            baseline.restore(known[name])
        self._bursts.restore(state["bursts"])
        self._touched.restore(cast("dict[str, int]", state["touched"]))
        firing = cast("dict[str, dict[str, list[int]]]", state["firing"])
        for number, memory in self._firing.items():
            memory.restore(firing.get(self.rules[number].name, {}))
        return True

    def _windows(self) -> dict[int, dict[int, float]]:
        windows = {window: dict(leasts) for window, leasts in self._judging.windows.items()}
        for window, whats in self._silences.windows(of_requests=False).items():
            of_window = windows.setdefault(window, {})
            of_window.update((what, math.inf) for what in whats if what not in of_window)
        return windows

    def _in_denials(self, one: High, minute: int) -> High:
        """What was found by counting askers, as the denials of the same key: people are told of those."""
        rule = self.rules[one.rule]
        if not rule.counted.askers:
            return one
        twin = f"{self._counted.index(in_denials(rule.counted))}|{one.status}|{one.key}"
        n = sum(self._census.courses([twin])[twin][: rule.window])
        if one.expected is None:
            return one._replace(entity=twin, n=n)
        usual = self._usual[rule.usual_over].expected_of([one.entity, twin], minute // BIN)
        # as much more traffic as the askers were judged by, and no smaller a rise than theirs
        expected = usual[twin].usual * one.expected / usual[one.entity].usual
        return one._replace(entity=twin, n=n, expected=min(expected, n * one.expected / one.n))

    def _put(self, number: int, denied: pl.DataFrame, traffic: pl.DataFrame) -> None:
        rows = rows_of(denied)
        self._window.put(number, rows)
        self._requests.put(number, traffic)
        self._census.put(number, counting.counts(rows, self._counted))

    def _learn_up_to(self, number: int) -> None:
        """Learns the bins that became old enough since the last minute."""
        if self.minute is None:
            return
        ripe = number // BIN - LEARNED_LATE
        for bin_number in range(max(self.minute // BIN - LEARNED_LATE, ripe - KEPT // BIN), ripe):
            times = self._requests.times_usual(bin_number)
            if not self._requests.learn(bin_number):
                continue
            counts = self._census.counts(bin_number * BIN + BIN - 1, BIN)
            frozen = {entity for firing in self._firing.values() for entity in firing.frozen(number)}
            frozen |= set(self._touched.frozen(number))
            for usual in self._usual.values():
                usual.learn(counts, frozen, bin_number, times)
