"""The tick over real databases: minutes are written as ingestion writes them, the clock is stepped."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from sqlalchemy import delete, func, insert, select, update

from log_sentinel.daemon.tick import DetectionTick
from log_sentinel.detection.detector import Detector
from log_sentinel.detection.minutes import number
from log_sentinel.detection.rule import Counted, Kind, Rule
from log_sentinel.detection.settings import DetectionSettings
from log_sentinel.incidents import people
from log_sentinel.model.columns import TIME
from log_sentinel.model.spike import Dimension, Severity
from log_sentinel.store import bulk, incidents, leases, tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_sentinel.store.engine import Database

START = datetime(2026, 3, 3, 12, tzinfo=UTC)
RULES = [
    Rule(f"{dimension}-spike", "", Kind.RATIO, Counted(dimension), 5, 30, Severity.WARNING, 4.0, confirm=3)
    for dimension in (Dimension.CLIENT, Dimension.IP, Dimension.ROUTE)
]
WHO = {"client": "acme", "ip": "192.0.2.1", "route": "/orders", "status": 403, "cause": "unknown"}


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def literals(values: Mapping[str, object]) -> dict[str, pl.Expr]:
    return {name: pl.lit(value) for name, value in values.items()}


@dataclass
class Daemon:
    """A database, a log written minute by minute, and the tick that looks at it."""

    database: Database
    tick: DetectionTick = field(init=False)
    idle: bool = False
    caught_up: bool = True
    passed: float = 0.0

    def __post_init__(self) -> None:
        self.start()

    def start(self, **changed: Any) -> None:
        self.tick = DetectionTick(
            self.database,
            Detector(RULES, DetectionSettings()),
            idle=lambda: self.idle,
            caught_up=lambda: self.caught_up,
            clock=lambda: self.passed,
            **changed,
        )

    def write(self, minutes: range | int, denied: int = 0, requests: int = 1000, **who: object) -> None:
        """Lines of these minutes: so many requests, so many of them denied to one client."""
        where = {"instance": "edge-1", "source": "edge"}
        span = range(minutes, minutes + 1) if isinstance(minutes, int) else minutes
        times = pl.DataFrame({"minute": [at(m) for m in span]}, {"minute": TIME})
        with self.database.write() as connection:
            bulk.insert(
                connection,
                tables.traffic,
                times.with_columns(**literals(where), **literals({"route": "/orders", "status": 200, "n": requests})),
            )
            if denied:
                bulk.insert(
                    connection,
                    tables.denied_minutes,
                    times.with_columns(**literals({**where, **WHO, **who, "n": denied})),
                )

    def look(self, minute: float) -> list[str]:
        """One tick when the wall's clock and the log are at `minute`; gives what happened."""
        self.passed = minute * 60
        return [f"{one.kind} {one.incident.key}" for one in self.tick(at(minute))]

    def live(self, minutes: range, denied: int = 0, **who: Any) -> list[str]:
        """Writes these minutes one after the other, with a tick in each."""
        told = []
        for minute in minutes:
            self.write(minute, denied, **who)
            told += self.look(minute + 0.5)
        return told


@pytest.fixture
def daemon(database: Database) -> Daemon:
    return Daemon(database)


@pytest.fixture
def settled(daemon: Daemon) -> Daemon:
    """One that has seen a day with two denials a minute, and is live at minute 0."""
    daemon.write(range(-1440, 0), denied=2)
    daemon.look(0)
    return daemon


def test_a_tick_that_is_to_end_leaves_the_rest_to_the_next(settled: Daemon) -> None:
    settled.write(range(10), denied=2)
    settled.write(range(10, 16), denied=400)
    settled.tick._stopping = lambda: (settled.tick.detector.minute or 0) >= number(at(3))

    assert settled.look(16.5) == []
    assert settled.tick.watermark == at(3)

    settled.tick._stopping = lambda: False
    assert settled.look(16.6)[0] == "opened acme"


def test_what_is_half_learned_when_the_daemon_ends_is_left(daemon: Daemon) -> None:
    daemon.write(range(-2 * 1440, 0), denied=2)
    daemon.tick._stopping = lambda: True

    assert daemon.look(0) == []
    assert (daemon.tick.watermark, daemon.tick.detector.minute) == (None, None)

    daemon.tick._stopping = lambda: False
    daemon.look(0)
    assert daemon.live(range(10), denied=2) + daemon.live(range(10, 16), denied=400) == ["opened acme"]


def test_a_burst_of_one_client_is_one_incident_from_its_opening_to_its_end(settled: Daemon) -> None:
    told = settled.live(range(10), denied=2) + settled.live(range(10, 20), denied=60) + settled.live(range(20, 50), 2)

    assert told == ["opened acme", "resolved acme"]
    (incident,) = incidents.listing(settled.database)
    assert (at(10), at(12), 300) == (incident.since, incident.opened_at, incident.peak)
    assert {"ip-spike", "route-spike"} == {part[0] for part in incident.evidence["parts"]}  # type: ignore[attr-defined]
    history = incidents.show(settled.database, incident.id or 0)
    assert [one.kind for one in history.happenings] == ["opened", "resolved"]
    assert history.incident == history.happenings[-1].incident


def test_an_empty_database_is_waited_for(daemon: Daemon) -> None:
    assert daemon.look(0) == []
    assert None is daemon.tick.watermark


def test_one_minute_of_history_is_enough_to_begin(daemon: Daemon) -> None:
    daemon.write(0)
    daemon.look(0.5)
    daemon.write(1)
    daemon.look(1.5)

    assert at(0) == daemon.tick.watermark


def test_nothing_is_judged_before_the_sources_are_read_to_their_end(daemon: Daemon) -> None:
    daemon.caught_up = False
    daemon.write(range(-1440, 0), denied=2)

    assert daemon.look(0) == []
    assert None is daemon.tick.watermark


def test_what_was_long_ago_at_the_first_start_opens_nothing(daemon: Daemon) -> None:
    daemon.write(range(-1440, -200), denied=2)
    daemon.write(range(-200, -100), denied=90)
    daemon.write(range(-100, 0), denied=2)

    assert daemon.look(0) == []
    assert at(-2) == daemon.tick.watermark


def test_what_is_going_on_at_the_first_start_is_told(daemon: Daemon) -> None:
    daemon.write(range(-2880, -10), denied=2)
    daemon.write(range(-10, 0), denied=90)

    assert daemon.look(0) == ["opened acme"]


def test_a_pause_of_all_sources_ends_an_incident_by_the_walls_clock(settled: Daemon) -> None:
    settled.live(range(10), denied=60)
    settled.idle = True

    assert [said for minute in range(10, 40) for said in settled.look(minute + 0.5)] == ["resolved acme"]


def test_rows_that_come_late_count_for_the_minutes_after_them(settled: Daemon) -> None:
    settled.live(range(5), denied=2)
    with settled.database.write() as connection:
        connection.execute(update(tables.denied_minutes).where(tables.denied_minutes.c.minute >= at(2)).values(n=90))

    assert settled.live(range(5, 7), denied=90) == ["opened acme"]


def test_a_long_pause_costs_no_minute_by_minute_march(settled: Daemon) -> None:
    settled.live(range(5), denied=60)
    settled.write(1000, denied=2)

    assert settled.look(1000.5) == ["resolved acme"]
    assert at(999) == settled.tick.watermark


def test_restarts_at_any_minute_tell_the_same(settled: Daemon) -> None:
    """In a quiet time, while something is about to open, and while it grows."""
    story = [2] * 10 + [60] * 10 + [200] * 5 + [2] * 75
    told = []
    for minute, denied in enumerate(story):
        if minute in (4, 13, 25):
            settled.start()
        settled.write(minute, denied)
        told += [f"{minute} {said}" for said in settled.look(minute + 0.5)]

    assert told == ["13 opened acme", "21 grew acme", "25 grew acme", "39 resolved acme"]


def test_downtime_does_not_alarm_about_what_came_and_went_in_it(settled: Daemon) -> None:
    settled.live(range(3), denied=2)
    settled.write(range(3, 30), denied=90)
    settled.write(range(30, 120), denied=2)
    settled.start()

    assert settled.look(120) == []
    assert at(118) == settled.tick.watermark


def test_an_incident_that_ended_during_downtime_is_told_to_have_ended(settled: Daemon) -> None:
    settled.live(range(10), denied=60)
    settled.write(range(10, 100), denied=2)
    settled.start()

    assert settled.look(100) == ["resolved acme"]


def test_downtime_of_days_is_learned_at_once(settled: Daemon) -> None:
    settled.live(range(10), denied=60)
    settled.write(range(10, 3000), denied=2)
    settled.start()

    assert settled.look(3000) == ["resolved acme"]
    assert settled.live(range(3000, 3010), denied=2) == []
    assert settled.live(range(3010, 3014), denied=60) == ["opened acme"]


@pytest.mark.parametrize("minutes", [120, 300])
def test_asked_for_the_past_is_told_too_however_long_it_was(settled: Daemon, minutes: int) -> None:
    settled.live(range(3), denied=2)
    settled.write(range(3, 30), denied=90)
    settled.write(range(30, minutes), denied=2)
    settled.start(tell_the_past=True)

    assert "opened acme" in settled.look(minutes)


def test_changed_rules_learn_from_what_is_stored(settled: Daemon) -> None:
    settled.live(range(3), denied=2)
    with settled.database.write() as connection:
        connection.execute(delete(tables.baselines))
    settled.start()

    assert settled.live(range(3, 8), denied=60)[:1] == ["opened acme"]


def test_what_people_did_is_kept_by_the_next_tick(settled: Daemon) -> None:
    settled.live(range(5), denied=60)
    (incident,) = incidents.unresolved(settled.database)
    incidents.change(settled.database, incident.id or 0, lambda one: people.acknowledged(one, "ada", at(5)), at(5))
    settled.live(range(5, 8), denied=60)

    (incident,) = incidents.unresolved(settled.database)
    assert (incident.state, incident.acknowledged_by) == ("acknowledged", "ada")


def test_incident_happenings_and_watermark_are_one_transaction(
    settled: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled.live(range(4), denied=2)
    settled.write(range(4, 8), denied=90)

    def fails(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr("log_sentinel.daemon.tick.detector_state.move_watermark", fails)
        with pytest.raises(ConnectionError):
            settled.look(8)
    with settled.database.read() as connection:
        stored = [connection.scalar(select(func.count()).select_from(table)) for table in
                  (tables.incidents, tables.incident_events)]  # fmt: skip
    assert stored == [0, 0]
    assert at(2) == settled.tick.watermark

    assert settled.look(8.2) == ["opened acme"]
    assert at(6) == settled.tick.watermark


def test_an_unknown_incident_is_said_to_be_unknown(database: Database) -> None:
    with pytest.raises(incidents.NoSuchIncident, match=r"incident 7: there is none\. `log-sentinel incidents list`"):
        incidents.show(database, 7)


def test_three_disturbances_at_once_are_three_incidents(settled: Daemon) -> None:
    def write(minute: int) -> None:
        settled.write(minute, denied=2)
        with settled.database.write() as connection:
            rows = [
                *({"client": "noisy", "ip": f"203.0.113.{n}", "route": f"/v{n % 3}", "n": 12} for n in range(6)),
                *({"client": "", "ip": "198.51.100.66", "route": f"/probe/{n}", "n": 2} for n in range(40)),
                *(
                    {"client": f"c{n}", "ip": f"192.0.2.{n + 10}", "route": "/checkout", "n": 1, "status": 429}
                    for n in range(80)
                ),
            ]
            connection.execute(
                insert(tables.denied_minutes),
                [{**WHO, **row, "minute": at(minute), "instance": "edge-1", "source": "edge"} for row in rows],
            )

    told = []
    for minute in range(15):
        write(minute)
        told += settled.look(minute + 0.5)

    opened = [said for said in told if said.startswith("opened")]
    assert sorted(opened) == ["opened /checkout", "opened 198.51.100.66", "opened noisy"]


def test_a_customer_that_is_denied_is_graver_than_a_stranger(settled: Daemon) -> None:
    with settled.database.write() as connection:
        hours = [
            {"hour": at(-60 * h), "dimension": "client", "key": "acme", "status_class": 2, "n": 100} for h in range(48)
        ]
        connection.execute(insert(tables.activity), hours)
    settled.live(range(6), denied=60)
    (customer,) = incidents.unresolved(settled.database)

    assert (customer.severity, customer.evidence["who"]) == (Severity.CRITICAL, "customer")
    assert customer.evidence["succeeded_before"] == 1.0


def test_of_two_daemons_on_one_database_one_detects(settled: Daemon) -> None:
    first, second = (
        settled.tick,
        DetectionTick(
            settled.database,
            Detector(RULES, DetectionSettings()),
            idle=lambda: False,
            caught_up=lambda: True,
            holder="b",
        ),
    )
    settled.write(range(5), denied=60)

    assert second(at(5)) == []
    assert [one.kind for one in first(at(5))] == ["opened"]


def test_a_daemon_that_lost_its_turn_changes_nothing_and_begins_anew(settled: Daemon) -> None:
    settled.live(range(3), denied=2)
    slow, settled.tick = (
        settled.tick,
        DetectionTick(
            settled.database,
            Detector(RULES, DetectionSettings()),
            idle=lambda: False,
            caught_up=lambda: True,
            holder="b",
        ),
    )
    leases.give_back(settled.database, "detect", "log-sentinel")
    told = settled.live(range(3, 9), denied=60)

    assert told == ["opened acme"]
    with (
        pytest.raises(leases.LeaseLost, match="log-sentinel held it in epoch 1"),
        settled.database.write() as connection,
    ):
        leases.check(connection, "detect", "log-sentinel", 1)
    leases.give_back(settled.database, "detect", "b")
    assert slow(at(9)) == []
    assert slow.watermark == at(7)
