"""The detection's tick: reads the minutes that are over, judges them in order, records what happened.

The scheduler only says "look"; what is due is told by the watermark in the database and the logs' own time. A minute is
judged once, in event time. What its late rows change is put right for the minutes after it.

After a start it waits until every source has been read to its end once. Then it goes on from the watermark; minutes
older than `RECENT` before the newest teach what is usual and end incidents, but open none: they are the past. What was
known is saved every hour; from there it is fed again, in silence, what the store has.

Of several daemons on one database one detects: it holds a lease, and what it writes is fenced by the lease's epoch. The
next holder, and one that lost it and has it back, begins with what is stored.

When the database is gone the spikes that were found wait in memory, and are recorded first when it is back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from log_sentinel.daemon.customers import Customers
from log_sentinel.daemon.event_time import EventTime, steady
from log_sentinel.detection.detector import KEPT, Detector
from log_sentinel.detection.minutes import moment, number
from log_sentinel.incidents.stepping import GRACE, step
from log_sentinel.model.incident import IncidentState
from log_sentinel.store import detector_state, incidents, leases, readers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    import polars as pl
    from sqlalchemy.engine import Connection

    from log_sentinel.model.incident import Happening, Incident
    from log_sentinel.model.spike import Spike
    from log_sentinel.store.engine import Database

log = structlog.get_logger(__name__)

MINUTE = timedelta(minutes=1)
# Minutes that are read again at every tick, for rows that came late.
LATE = 5
# What began so recently before a start is told as if the daemon had been there.
RECENT = timedelta(minutes=15)
# More than this is learned in bulk, in stretches that fit in memory.
BULK = 2 * 60
STRETCH = 12 * 60
SAVE_EVERY = 60
LEASE, LEASE_LASTS = "detect", timedelta(minutes=2)
# The widest jump ahead that is looked at in one tick.
FARTHEST = timedelta(days=1)


class _Stopped(Exception):
    """The daemon ends while what there was is learned: what is half learned is left."""


class DetectionTick:
    """One detection over one database. `idle` and `caught_up` tell of the sources: see `event_time` and above.

    `holder` names this daemon among those on the same database. `clock`: seconds that nobody can set. `stopping`: the
    daemon ends, so a tick that has days to catch up with leaves the rest to the next start.
    """

    def __init__(
        self,
        database: Database,
        detector: Detector,
        *,
        idle: Callable[[], bool],
        caught_up: Callable[[], bool],
        holder: str = "log-sentinel",
        tell_the_past: bool = False,
        clock: Callable[[], float] = steady,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._database = database
        self._idle = idle
        self._caught_up = caught_up
        self._holder = holder
        self._tell_the_past = tell_the_past
        self._clock = clock
        self._stopping = stopping
        self._customers = Customers(database)
        self._rules = {rule.name: rule for rule in detector.rules}
        self._epoch: int | None = None
        self._begin_with(detector)

    def _begin_with(self, detector: Detector) -> None:
        self._detector = detector
        self._time = EventTime()
        self._live_from: int | None = None
        self._recorded: int | None = None
        self._saved: int | None = None
        self._pending: list[tuple[int, list[Spike]]] = []

    @property
    def detector(self) -> Detector:
        """The one that judges at present."""
        return self._detector

    @property
    def watermark(self) -> datetime | None:
        """The last minute that is judged and recorded (event time, UTC)."""
        return None if self._recorded is None else moment(self._recorded)

    def __call__(self, now: datetime) -> list[Happening]:
        """Judges what is over at the wall's time `now`; gives what happened. Raises StoreError when it cannot."""
        if not self._my_turn():
            return []
        try:
            if self._live_from is None and not (self._caught_up() and self._started(now)):
                return []
        except _Stopped:
            return []
        before = self._detector.cut
        self._judge(now)
        if self._detector.cut > before:
            left_out = self._detector.cut - before
            log.warning("a minute had too many keys; denials of the smallest are not counted by key", denials=left_out)
        for rule, error in self._detector.faults.take().items():
            log.error("rule failed; left out, the others go on", rule=rule, exc_info=error)
        return self._record(now)

    def save(self, now: datetime) -> None:
        """Keeps what is known, so that the next start need not be fed again. For the end of the daemon."""
        if self._recorded is not None and not self._pending and self._recorded != self._saved:
            with self._database.write() as connection:
                self._check(connection)
                detector_state.save(connection, self._detector.state(), moment(self._recorded), now)
            self._saved = self._recorded

    def _my_turn(self) -> bool:
        epoch = leases.take(self._database, LEASE, self._holder, LEASE_LASTS)
        if epoch != self._epoch and self._live_from is not None:
            # another one went on meanwhile: what is known here is not what is stored
            self._begin_with(Detector(self._detector.rules, self._detector.settings))
        self._epoch = epoch
        return epoch is not None

    def _check(self, connection: Connection) -> None:
        if self._epoch is not None:
            leases.check(connection, LEASE, self._holder, self._epoch)

    def _started(self, now: datetime) -> bool:
        try:
            return self._start(now)
        except BaseException:
            # half learned is worse than not at all
            self._begin_with(Detector(self._detector.rules, self._detector.settings))
            raise

    def _start(self, now: datetime) -> bool:
        """Learns what there was; False as long as the logs have nothing."""
        newest = self._newest(now)
        if newest is None:
            return False
        saved = detector_state.load(self._database)
        learn = _whole(self._detector.settings.learn_from)
        live_from = newest - _whole(RECENT)
        if saved.watermark is None:
            self._learn(newest - learn, live_from)
        else:
            recorded = self._recorded = number(saved.watermark)
            if saved.state is not None and self._detector.restore(saved.state):
                self._feed_again(recorded)
            else:
                self._learn(recorded + 1 - learn, recorded + 1)
            if live_from - recorded > BULK and not self._tell_the_past:
                self._learn(recorded + 1, live_from)
        self._live_from = 0 if self._tell_the_past else live_from
        return True

    def _newest(self, now: datetime) -> int | None:
        """The present of the logs; a stray line in the future is not it."""
        found = detector_state.newest_request(self._database, now + FARTHEST)
        if found is None:
            return None
        traffic = readers.traffic_minutes(self._database, found - timedelta(hours=3), found + MINUTE)
        closed = self._time.last_closed(_numbers(traffic), now, self._clock(), idle=False)
        return None if closed is None else closed + 1

    def _learn(self, first: int, end: int) -> None:
        for start in range(first, end, STRETCH):
            if self._stopping():
                raise _Stopped
            # what waits in memory to be learned is read again with it
            since = moment(start if self._detector.minute is None else start - KEPT)
            until = moment(min(start + STRETCH, end))
            self._detector.learn(
                readers.denied_minutes(self._database, since, until),
                readers.traffic_minutes(self._database, since, until),
                until,
            )

    def _feed_again(self, recorded: int) -> None:
        """Brings a restored detector to the minute `recorded`: what came of these minutes is recorded already."""
        restored = self._saved = self._detector.minute
        if restored is None:
            return
        for at, denied, traffic in self._minutes(restored + 1 - KEPT, recorded + 1):
            if number(at) <= restored:
                self._detector.refill(at, denied, traffic)
            else:
                self._detector.feed(at, denied, traffic)

    def _judge(self, now: datetime) -> None:
        idle = self._idle()
        last = self._detector.minute
        first = self._live_from or 0 if last is None else last + 1
        asked = readers.course_of_requests(self._database, moment(first - LATE), moment(first) + FARTHEST, {})
        closed = self._time.last_closed(_numbers(asked), now, self._clock(), idle=idle)
        if closed is None:
            return
        end = min(closed + 1, first + _whole(FARTHEST))
        changed = self._changed(first)
        for at, denials, requests in self._minutes(min([first, *changed]), end):
            if self._stopping():
                return
            if number(at) in changed:
                self._detector.amend(at, denials, requests)
            elif number(at) >= first and (last is not None or self._pending or not requests.is_empty()):
                self._pending.append((number(at), self._customers.known(self._detector.feed(at, denials, requests))))

    def _changed(self, first: int) -> set[int]:
        """The minutes before `first`, judged already, for which rows came late."""
        counts = readers.course_of_denials(self._database, moment(first - LATE), moment(first), {})
        there = {number(at): n for at, n in counts.iter_rows()}
        return {
            minute
            for minute in range(first - LATE, first)
            if self._detector.total(moment(minute)) not in (None, there.get(minute, 0))
        }

    def _record(self, now: datetime) -> list[Happening]:
        if not self._pending:
            return []
        told: list[Happening] = []
        recorded = self._pending[-1][0]
        save = self._saved is None or recorded - self._saved >= SAVE_EVERY
        with self._database.write() as connection:
            self._check(connection)
            known = incidents.known(connection, moment(self._pending[0][0]) - GRACE)
            for minute, spikes in self._pending:
                at = moment(minute)
                known = [one for one in known if one.resolved_at is None or at - one.resolved_at < GRACE]
                stepped = step(known, self._of_present(minute, spikes, known), at, self._rules)
                known = incidents.record(connection, known, stepped.incidents, stepped.happenings, now)
                told += stepped.happenings
            detector_state.move_watermark(connection, moment(recorded), now)
            if save:
                detector_state.save(connection, self._detector.state(), moment(recorded), now)
        self._pending.clear()
        self._recorded = recorded
        self._saved = recorded if save else self._saved
        return told

    def _of_present(self, minute: int, spikes: list[Spike], known: list[Incident]) -> list[Spike]:
        """Of the past, only what goes on with incidents that are there."""
        if minute >= (self._live_from or 0):
            return spikes
        there = {(one.rule, one.dimension, one.key) for one in known if one.state is not IncidentState.RESOLVED}
        return [spike for spike in spikes if (spike.rule, spike.dimension, spike.key) in there]

    def _minutes(self, first: int, end: int) -> Iterator[tuple[datetime, pl.DataFrame, pl.DataFrame]]:
        if end <= first:
            return iter(())
        since, until = moment(first), moment(end)
        denied = readers.denied_minutes(self._database, since, until)
        return _by_minute(denied, readers.traffic_minutes(self._database, since, until), first, end)


def _by_minute(
    denied: pl.DataFrame, traffic: pl.DataFrame, first: int, end: int
) -> Iterator[tuple[datetime, pl.DataFrame, pl.DataFrame]]:
    """Each minute from `first` to before `end` with its rows; of a long pause, only its first minutes."""
    denials, requests = _parts(denied), _parts(traffic)
    no_denials, no_requests = denied.clear(), traffic.clear()
    pause = 0
    for minute in range(first, end):
        there, asked = denials.get(minute, no_denials), requests.get(minute, no_requests)
        pause = 0 if minute in denials or minute in requests else pause + 1
        if pause <= KEPT or minute == end - 1:
            yield moment(minute), there, asked


def _parts(frame: pl.DataFrame) -> dict[int, pl.DataFrame]:
    return {number(at): rows for (at,), rows in frame.partition_by("minute", as_dict=True).items()}


def _numbers(traffic: pl.DataFrame) -> set[int]:
    return {number(minute) for minute in traffic["minute"].unique()}


def _whole(span: timedelta) -> int:
    return int(span / MINUTE)
