from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from log_sentinel.backtest.figures import figures
from log_sentinel.backtest.history import NoHistory, StoredHistory
from log_sentinel.backtest.logs import LogHistory
from log_sentinel.backtest.replay import replayed
from log_sentinel.backtest.told import Told
from log_sentinel.daemon.tick import DetectionTick
from log_sentinel.delivery.console.settings import ConsoleSettings
from log_sentinel.delivery.settings import Route
from log_sentinel.detection.detector import KEPT, Detector
from log_sentinel.detection.settings import DetectionSettings
from log_sentinel.model.columns import ACTIVITY, empty
from tests.backtest.histories import (
    MINUTE,
    RULES,
    START,
    a_history,
    a_span,
    at,
    both,
    frames,
    said,
    store,
    told_in,
    tried,
)

if TYPE_CHECKING:
    from datetime import datetime

    from log_sentinel.store.engine import Database

BEFORE = 24 * 60
ORDINARY = told_in(range(-BEFORE, 60), 2)
BURSTS = both(
    ORDINARY,
    told_in(range(10, 20), 60),
    told_in(range(14, 30), 90, client="globex", ip="198.51.100.7", route="/pay"),
    told_in(range(24, 28), 300),
)
EVERYTHING = range(-BEFORE, 60)


def test_a_replay_of_stored_history_tells_what_the_daemon_told(database: Database) -> None:
    tick = DetectionTick(database, Detector(RULES, DetectionSettings()), idle=lambda: False, caught_up=lambda: True)
    past = {minute: rows for minute, rows in BURSTS.items() if minute < 0}
    store(database, past, range(-BEFORE, 0))
    tick(at(0))
    live = []
    for minute in range(60):
        store(database, {minute: BURSTS[minute]}, range(minute, minute + 1))
        live += tick(at(minute) + MINUTE / 2)
    told = [f"{int((one.at - START) / MINUTE)} {one.kind} {one.incident.key}" for one in live]

    replay = tried(StoredHistory(database, at(-BEFORE)), a_span(-14, 119, BEFORE - 14))

    assert told == said(replay)
    assert {"opened", "resolved"} <= {one.split()[1] for one in told}


def test_log_files_and_stored_history_tell_the_same(database: Database) -> None:
    store(database, BURSTS, EVERYTHING)
    span = a_span(0, 60, BEFORE)

    stored, read = tried(StoredHistory(database, at(-BEFORE)), span), tried(a_history(BURSTS, EVERYTHING), span)

    assert said(stored) == said(read) != []


def test_minutes_that_retention_has_folded_to_hours_are_left_out(database: Database) -> None:
    store(database, BURSTS, EVERYTHING)

    assert at(-60) == StoredHistory(database, at(-60)).first


def test_an_empty_database_says_what_to_do(database: Database) -> None:
    with pytest.raises(NoHistory, match=r"it has no minutes yet to try rules on\. Start `log-sentinel run`"):
        StoredHistory(database, START)


def test_one_minute_of_history_is_a_history(database: Database) -> None:
    store(database, told_in(range(1), 500), range(1))
    history = StoredHistory(database, at(-5))

    replay = tried(history, a_span(0, 1))

    assert (history.first, history.end) == (at(0), at(1))
    assert [] == replay.incidents


def test_denials_without_a_single_counted_request_are_a_history() -> None:
    assert said(tried(a_history(both(told_in(range(90), 1), told_in(range(60, 80), 90)), range(0)), a_span(0, 90)))


def test_a_gap_in_the_log_ends_what_was_going_on_and_tells_nothing() -> None:
    denied, traffic = frames(both(ORDINARY, told_in(range(10), 60)), EVERYTHING)
    outside = ~pl.col("minute").is_between(at(10), at(39))
    history = LogHistory(denied.filter(outside), traffic.filter(outside), empty(ACTIVITY))

    assert ["2 opened acme", "23 resolved acme"] == said(tried(history, a_span(0, 60, BEFORE)))


def test_of_a_long_pause_only_the_first_minutes_are_looked_at() -> None:
    history = a_history(both(told_in(range(20), 2), told_in(range(3000, 3010), 2)), range(0))
    seen: list[datetime] = []

    replayed("tried", RULES, DetectionSettings(), history, a_span(0, 3010), seen.append)

    assert [*range(20 + KEPT), *range(3000, 3010)] == [int((minute - START) / MINUTE) for minute in seen]


def test_rules_are_counted_by_the_incidents_that_bear_their_name() -> None:
    replay = tried(a_history(BURSTS, EVERYTHING), a_span(0, 60, BEFORE))
    rows = {row.rule: row for row in figures(replay, Told(replay, {"here": ConsoleSettings()}, []))}

    assert (2, ("acme", 1210)) == (rows["client-spike"].incidents, (rows["client-spike"].largest or ("", 0)))
    assert (0, 0) == (rows["ip-spike"].incidents, rows["ip-spike"].messages)
    assert rows["ip-spike"].fired > 0
    assert rows["client-spike"].a_week is None
    assert len(replay.incidents) == sum(row.incidents for row in rows.values())


def test_messages_follow_the_routes_of_the_settings() -> None:
    replay = tried(a_history(BURSTS, EVERYTHING), a_span(0, 60, BEFORE))
    channels = {"ops": ConsoleSettings(), "night": ConsoleSettings()}
    routes = [
        Route(match={"kind": "opened"}, to=["ops"]),
        Route(match={"severity": "critical"}, to=["night"]),
    ]

    told = Told(replay, channels, routes)

    opened = [one for one in replay.happenings if one.kind == "opened"]
    assert {"ops": len(opened), "night": 0} == dict(told.by_channel)
    assert len(opened) == told.messages
