"""Runs the `[[series]]` of rule files: the rule as it is, on the denials the series tells, minute by minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection.detector import Detector
from log_sentinel.detection.settings import DetectionSettings
from log_sentinel.model.columns import DENIED_MINUTES, TRAFFIC

if TYPE_CHECKING:
    from collections.abc import Iterable

    from log_sentinel.detection.rule import Rule, Series

# Any minute will do; this one begins a bin and is a Tuesday noon.
START = datetime(2026, 1, 6, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

# One entity in every dimension, so that a rule of any dimension sees the series.
ENTITY = {"source": "series", "client": "tried", "ip": "192.0.2.1", "route": "/tried", "cause": "unknown"}
# For tests of networks alone (RFC 2544).
NETWORKS = "198.18"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule made of a series: when it fired and resolved, and what is wrong about that (None: right)."""

    rule: str
    series: str
    fired_at: int | None
    resolved_at: int | None
    problem: str | None


def try_rules(rules: Iterable[Rule]) -> list[Outcome]:
    """Every series of every rule, in their order. A rule without series has no outcome."""
    return [try_series(rule, series) for rule in rules for series in rule.series]


def try_series(rule: Rule, series: Series) -> Outcome:
    """What `rule` makes of `series`: the first minute it fires at, and the first at which its incident is over."""
    detector = Detector([rule], DetectionSettings())
    history = int(series.history / MINUTE)
    before = range(-history, 0)
    detector.learn(
        _denied(rule, series, before, [series.usual] * history),
        _traffic(before, [max(series.usual_requests, 1.0)] * history),
        START,
    )
    fired_at = last = resolved_at = None
    requests = list(series.requests) + [round(series.usual_requests) or 1] * len(series.denials)
    for minute, (denials, asked) in enumerate(zip(series.denials, requests, strict=False)):
        at = range(minute, minute + 1)
        spikes = detector.feed(
            START + minute * MINUTE, _denied(rule, series, at, [denials]), _traffic(at, [max(asked, denials)])
        )
        if any(not spike.of_whom or series.who in spike.of_whom for spike in spikes):
            fired_at = minute if fired_at is None else fired_at
            last, resolved_at = minute, None
        elif last is not None and resolved_at is None and (minute - last) * MINUTE >= rule.keep_firing_for:
            resolved_at = minute
    return Outcome(rule.name, series.name, fired_at, resolved_at, _problem(series, fired_at, resolved_at))


def _problem(series: Series, fired_at: int | None, resolved_at: int | None) -> str | None:
    if fired_at != series.fires_at:
        return f"fires {_when(fired_at)}; expected {_when(series.fires_at)}"
    if resolved_at != series.resolves_at:
        return f"resolves {_when(resolved_at)}; expected {_when(series.resolves_at)}"
    return None


def _when(minute: int | None) -> str:
    return "never" if minute is None else f"at minute {minute}"


def _denied(rule: Rule, series: Series, minutes: range, counts: list[float] | list[int]) -> pl.DataFrame:
    where = {column: values[0] for column, values in rule.counted.where}
    if "network" in where and "ip" not in where:
        where["ip"] = where["network"].partition("/")[0]
    entity = ENTITY | {column: value for column, value in where.items() if column in ENTITY}
    status = rule.counted.statuses[0] if rule.counted.statuses else 403
    frame = pl.DataFrame(
        {"minute": [START + minute * MINUTE for minute in minutes], "n": _whole(counts)},
        schema={"minute": DENIED_MINUTES["minute"], "n": pl.Int64},
    ).filter(pl.col("n") > 0)
    same = {name: pl.lit(value, pl.String) for name, value in entity.items()}
    rows = frame.with_columns(**same, status=pl.lit(status, pl.Int16)).select(list(DENIED_MINUTES))
    return _spread(rows, series)


def _spread(rows: pl.DataFrame, series: Series) -> pl.DataFrame:
    """The same denials, each minute's dealt out evenly over the values of the columns of `spread`."""
    if not series.spread:
        return rows
    one_by_one = rows.select(pl.exclude("n").repeat_by("n").explode()).drop_nulls("minute")
    for column, values in series.spread:
        one_by_one = one_by_one.with_columns(_dealt(column, pl.int_range(pl.len()).over("minute") % values))
    return one_by_one.group_by(pl.all()).agg(n=pl.len().cast(pl.Int64)).select(list(DENIED_MINUTES))


def _dealt(column: str, number: pl.Expr) -> pl.Expr:
    """`column` with another value for every `number`; addresses fill one network of 256 after the other."""
    match column:
        case "ip":
            return pl.format(f"{NETWORKS}.{{}}.{{}}", number // 256 % 256, number % 256).alias("ip")
        case "network":
            return pl.format(f"{NETWORKS}.{{}}.1", number % 256).alias("ip")
    return (pl.col(column) + "-" + number.cast(pl.String)).alias(column)


def _traffic(minutes: range, counts: list[float] | list[int]) -> pl.DataFrame:
    frame = pl.DataFrame(
        {"minute": [START + minute * MINUTE for minute in minutes], "n": _whole(counts)},
        schema={"minute": TRAFFIC["minute"], "n": pl.Int64},
    ).filter(pl.col("n") > 0)
    return frame.with_columns(
        route=pl.lit(ENTITY["route"]), status=pl.lit(200, pl.Int16), source=pl.lit(ENTITY["source"])
    ).select(*TRAFFIC, "source")


def _whole(counts: list[float] | list[int]) -> list[int]:
    """Counts of a mean such as 0.2 a minute as whole ones: one every five minutes."""
    total = 0.0
    whole = []
    for count in counts:
        whole.append(int(total + count + 1e-9) - int(total + 1e-9))
        total += count
    return whole
