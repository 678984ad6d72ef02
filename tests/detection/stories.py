"""Builds the frames that detection is fed, minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from log_sentinel.detection.detector import Detector
from log_sentinel.detection.rule import Counted, Kind, Rule
from log_sentinel.detection.settings import DetectionSettings
from log_sentinel.model.columns import DENIED_MINUTES, TIME, TRAFFIC
from log_sentinel.model.spike import Dimension, Severity, Spike

if TYPE_CHECKING:
    from collections.abc import Iterable

# What is denied in each minute: rows as `denials` takes them.
Story = dict[int, list[dict[str, Any]]]

START = datetime(2026, 3, 3, 12, tzinfo=UTC)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def a_rule(**changed: Any) -> Rule:
    counted = Counted(
        changed.pop("dimension", Dimension.CLIENT),
        changed.pop("statuses", ()),
        changed.pop("where", ()),
        changed.pop("apart", False),
    )
    given: dict[str, Any] = {
        "name": f"{counted.dimension}-spike",
        "description": "more than usual",
        "kind": Kind.RATIO,
        "counted": counted,
        "window": 5,
        "at_least": 30,
        "severity": Severity.WARNING,
        "times_usual": 4.0,
        "confirm": 3,
    }
    return Rule(**(given | changed))


def denials(minute: int, *rows: dict[str, Any]) -> pl.DataFrame:
    """DENIED_MINUTES of that minute: each row of `rows` over an ordinary one."""
    ordinary = {
        "minute": at(minute),
        "source": "edge",
        "client": "acme",
        "ip": "192.0.2.1",
        "route": "/orders",
        "status": 403,
        "cause": "unknown",
        "n": 1,
    }
    return pl.DataFrame([ordinary | row for row in rows], schema=DENIED_MINUTES, orient="row")


def requests(minute: int, n: int = 1000, route: str = "/orders") -> pl.DataFrame:
    """TRAFFIC of that minute."""
    return pl.DataFrame([{"minute": at(minute), "route": route, "status": 200, "n": n}], schema=TRAFFIC)


def detector(*rules: Rule) -> Detector:
    return Detector(rules, DetectionSettings())


def settled(*rules: Rule, usual: Iterable[dict[str, Any]] = ()) -> Detector:
    """A detector that has lived two days, with `usual` denied in each minute of them."""
    known = detector(*rules)
    known.learn(repeated(denials(0, *usual), -2 * 1440, 0), repeated(requests(0), -2 * 1440, 0), at(0))
    return known


def repeated(minute: pl.DataFrame, first: int, end: int) -> pl.DataFrame:
    """The rows of one minute in every minute from `first` to before `end`."""
    times = pl.DataFrame({"minute": [at(number) for number in range(first, end)]}, schema={"minute": TIME})
    return times.join(minute.drop("minute"), how="cross").select(minute.columns)


def fed(known: Detector, minutes: dict[int, list[dict[str, Any]]], end: int, n: int = 1000) -> dict[int, list[Spike]]:
    """The spikes of each minute from 0 to before `end` that had any."""
    found = {}
    for minute in range(end):
        spikes = known.feed(at(minute), denials(minute, *minutes.get(minute, [])), requests(minute, n))
        if spikes:
            found[minute] = spikes
    return found
