"""Histories to try rules on, told minute by minute: as frames, and as the daemon would have stored them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import insert

from log_sentinel.backtest.logs import TRAFFIC_OF_SOURCE, LogHistory
from log_sentinel.backtest.replay import Replay, Span, replayed
from log_sentinel.detection.rule import Counted, Kind, Rule
from log_sentinel.detection.settings import DetectionSettings
from log_sentinel.model.columns import ACTIVITY, DENIED_MINUTES, empty
from log_sentinel.model.spike import Dimension, Severity
from log_sentinel.store import tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_sentinel.store.engine import Database

START = datetime(2026, 3, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WHO = {"source": "edge", "client": "acme", "ip": "192.0.2.1", "route": "/orders", "status": 403, "cause": "unknown"}
RULES = tuple(
    Rule(f"{dimension}-spike", "", Kind.RATIO, Counted(dimension), 5, 30, Severity.WARNING, 4.0, confirm=3)
    for dimension in (Dimension.CLIENT, Dimension.IP, Dimension.ROUTE)
)

# Denials of each minute: a number is of WHO, a row over WHO.
Story = dict[int, list[dict[str, Any]]]


def at(minute: int) -> datetime:
    return START + minute * MINUTE


def a_span(first: int, end: int, learned: int = 0) -> Span:
    return Span(at(first), at(end), learned * MINUTE)


def told_in(minutes: range, n: int, **who: Any) -> Story:
    """`n` denials of the same kind in each of these minutes."""
    return {minute: [{**who, "n": n}] for minute in minutes}


def both(*stories: Story) -> Story:
    found: Story = {}
    for story in stories:
        for minute, rows in story.items():
            found[minute] = [*found.get(minute, []), *rows]
    return found


def frames(story: Story, minutes: range, requests: int = 1000) -> tuple[pl.DataFrame, pl.DataFrame]:
    """DENIED_MINUTES, and TRAFFIC with `source` in all of `minutes`."""
    denied = [{**WHO, **row, "minute": at(minute)} for minute, rows in sorted(story.items()) for row in rows]
    asked = [
        {"minute": at(minute), "route": "/orders", "status": 200, "n": requests, "source": "edge"} for minute in minutes
    ]
    keys = [name for name in DENIED_MINUTES if name != "n"]
    summed = pl.DataFrame(denied, schema=DENIED_MINUTES).group_by(keys, maintain_order=True).agg(pl.col("n").sum())
    return summed, pl.DataFrame(asked, schema=TRAFFIC_OF_SOURCE)


def a_history(story: Story, minutes: range) -> LogHistory:
    return LogHistory(*frames(story, minutes), empty(ACTIVITY))


def store(database: Database, story: Story, minutes: range) -> None:
    """Writes the same as ingestion does."""
    denied, traffic = frames(story, minutes)
    with database.write() as connection:
        for table, frame in ((tables.denied_minutes, denied), (tables.traffic, traffic)):
            rows = [{**row, "instance": "edge-1"} for row in frame.fill_null("").iter_rows(named=True)]
            if rows:
                connection.execute(insert(table), rows)


def tried(
    history: Any, span: Span, rules: tuple[Rule, ...] = RULES, settings: Mapping[str, Any] | None = None
) -> Replay:
    return replayed("tried", rules, DetectionSettings(**(settings or {})), history, span)


def said(replay: Replay) -> list[str]:
    """The happenings in words."""
    return [f"{int((one.at - START) / MINUTE)} {one.kind} {one.incident.key}" for one in replay.happenings]
