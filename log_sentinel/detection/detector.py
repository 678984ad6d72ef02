"""Counts in, spikes out, a minute at a time.

Holds the last hour in memory and what is usual for every key; knows no clock, no database and no incident. A minute is
fed once it is closed, in order, an empty one too; `amend` puts a minute right when late rows came. The usual is learned
ten minutes late, so that the first minutes of an incident are recognised before they could teach.

All that decides is in `state()`, the minutes in memory apart: those are put back by `refill`. A detector restored so
says the same from there on as one that never stopped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from log_sentinel.detection import counting, learning, minutes
from log_sentinel.detection.baseline import Baseline
from log_sentinel.detection.firing import Firing
from log_sentinel.detection.judging import Knowledge, high_keys
from log_sentinel.detection.learning import LEARNED_LATE
from log_sentinel.detection.minutes import BIN
from log_sentinel.detection.requests import Requests
from log_sentinel.detection.rule import WIDEST, Kind
from log_sentinel.detection.spikes import High, spikes_of
from log_sentinel.detection.tally import Tally
from log_sentinel.detection.window import Window, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    import polars as pl

    from log_sentinel.detection.rule import Counted, Rule
    from log_sentinel.detection.settings import DetectionSettings
    from log_sentinel.model.spike import Spike

# Minutes held: the widest window, the minutes before it that confirm, and the bins that wait to be learned.
KEPT = WIDEST + 2 * BIN


class Detector:
    """Judges every minute by `rules`."""

    def __init__(self, rules: Sequence[Rule], settings: DetectionSettings) -> None:
        self.rules = tuple(rules)
        self.settings = settings
        self.minute: int | None = None
        self.first: int | None = None
        self._window = Window(KEPT)
        self._requests = Requests(KEPT)
        self._tallies: dict[Counted, Tally] = {rule.counted: Tally(KEPT) for rule in rules}
        self._usual: dict[tuple[Counted, timedelta], Baseline] = {
            (rule.counted, rule.usual_over): Baseline(rule.usual_over) for rule in rules if rule.kind is Kind.RATIO
        }
        self._firing = {rule.name: Firing() for rule in rules}

    @property
    def keys(self) -> int:
        """Keys whose usual counts are held."""
        return sum(usual.keys for usual in self._usual.values())

    @property
    def cut(self) -> int:
        """Denials that were not counted by key because their minute had too many keys."""
        return sum(tally.cut for tally in self._tallies.values())

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
        self.minute = number
        self.first = number if self.first is None else self.first
        high = [self._judge(rule, number) for rule in self.rules]
        return spikes_of([one for one in high if not one.keys.is_empty()], self._window, self._requests, number)

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
        rows = counting.with_network(denied)
        for (counted, _), usual in self._usual.items():
            usual.learn_many(span.denials(rows, counted), span.bins)
        self._requests.learn_many(span.requests(traffic), span.bins)
        for number, there, asked in span.kept(denied, traffic, KEPT):
            self._put(number, there, asked)
        self.minute = end - 1
        self.first = span.first if self.first is None else self.first

    @property
    def baselines(self) -> dict[str, Baseline]:
        """What is usual, by a name that says what is counted: rules may change their figures and keep it."""
        usual = {f"denials by {counted.named}, over {over}": known for (counted, over), known in self._usual.items()}
        return usual | self._requests.baselines

    def state(self) -> dict[str, object]:
        """What must outlive this process, JSON-able."""
        return {
            "minute": self.minute,
            "first": self.first,
            "firing": {name: firing.state() for name, firing in self._firing.items()},
            "baselines": {name: usual.state() for name, usual in self.baselines.items()},
        }

    def restore(self, state: Mapping[str, object]) -> bool:
        """Takes the place of the detector that gave `state`. False, and nothing taken, if that one did not learn all
        that these rules need: history must be learned anew."""
        known = cast("dict[str, dict[str, object]]", state["baselines"])
        if not known.keys() >= self.baselines.keys():
            return False
        self.minute = cast("int | None", state["minute"])
        self.first = cast("int | None", state["first"])
        for name, baseline in self.baselines.items():
            baseline.restore(known[name])
        firing = cast("dict[str, dict[str, list[int]]]", state["firing"])
        for name, memory in self._firing.items():
            memory.restore(firing.get(name, {}))
        return True

    def _put(self, number: int, denied: pl.DataFrame, traffic: pl.DataFrame) -> None:
        rows = rows_of(denied)
        self._window.put(number, rows)
        self._requests.put(number, traffic)
        for counted, tally in self._tallies.items():
            tally.put(number, counting.counts(rows, counted))

    def _learn_up_to(self, number: int) -> None:
        """Learns the bins that became old enough since the last minute."""
        if self.minute is None:
            return
        ripe = number // BIN - LEARNED_LATE
        for bin_number in range(max(self.minute // BIN - LEARNED_LATE, ripe - KEPT // BIN), ripe):
            first = bin_number * BIN
            if not self._requests.learn(first):
                continue
            for (counted, _), usual in self._usual.items():
                frozen = {
                    key
                    for rule in self.rules
                    if rule.counted == counted
                    for key in self._firing[rule.name].frozen(number)
                }
                usual.learn(self._tallies[counted].sums(first + BIN - 1, BIN), frozen)

    def _judge(self, rule: Rule, number: int) -> High:
        usual = self._usual.get((rule.counted, rule.usual_over)) if rule.kind is Kind.RATIO else None
        lived = number - (number if self.first is None else self.first) + 1
        known = Knowledge(self._tallies[rule.counted], usual, self._requests, lived)
        firing = self._firing[rule.name]
        keys = high_keys(rule, number, known, firing)
        since = firing.fire(number, dict(keys.select("key", "since").iter_rows()))
        return High(rule, known.tally, keys, since)
