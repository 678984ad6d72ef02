"""Prints replays: a picture, a row for each rule, whom it would have told, and the incidents."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from log_sentinel.backtest.figures import a_week, figures
from log_sentinel.backtest.plot import picture
from log_sentinel.backtest.told import Told
from log_sentinel.cli.output import Shape, document, show
from log_sentinel.cli.visible import visible
from log_sentinel.config.durations import written

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from log_sentinel.backtest.comparison import Comparison
    from log_sentinel.backtest.plot import Columns
    from log_sentinel.backtest.replay import Replay
    from log_sentinel.daemon.settings import Settings
    from log_sentinel.model.incident import Incident

BY_RULE = ("rule", "severity", "fired", "incidents", "a week", "messages", "minutes", "most denials", "of")
SIDE_BY_SIDE = ("rule", "incidents", "incidents 2", "a week", "a week 2", "messages", "messages 2")
INCIDENTS = ("since", "until", "severity", "rule", "dimension", "key", "most denials", "usual")
LISTED = 20


def show_all(
    made: Sequence[Replay], difference: Comparison | None, columns: Columns, settings: Settings, output: Shape
) -> None:
    """Prints one replay, or two with their `difference`. JSON has all of it, CSV and JSON lines the rules."""
    told = [_told(replay, settings) for replay in made]
    if output is Shape.JSON:
        document(_document(made, told, difference))
        return
    if output is Shape.TABLE:
        span = made[0].span
        after = f"after {_length(span.learned)} of history" if span.learned else "with no history before it"
        print(f"{_minute(span.first)} to {_minute(span.end)} UTC ({_length(span.end - span.first)}), {after}\n")
        print("\n".join(map(visible, picture(columns, made))), end="\n\n")
    if difference is None:
        show(BY_RULE, _by_rule(made[0], told[0]), output)
    else:
        show(SIDE_BY_SIDE, _side_by_side(made, told), output)
    if output is Shape.TABLE:
        print()
        for replay, messages in zip(made, told, strict=True):
            print(visible(_sum(replay, messages)))
        if difference is None:
            _incidents("Incidents", made[0].incidents)
        else:
            print(f"{len(difference.both)} incidents are found by both.")
            _incidents(f"Only {made[0].name}", difference.only_first)
            _incidents(f"Only {made[1].name}", difference.only_second)


def _told(replay: Replay, settings: Settings) -> Told:
    from log_sentinel.delivery.console.settings import ConsoleSettings

    # without channels `run` prints alerts where it runs
    return Told(replay, settings.channels or {"console": ConsoleSettings()}, settings.routing)


def _sum(replay: Replay, told: Told) -> str:
    number = len(replay.incidents)
    weekly = a_week(number, replay.span)
    often = "" if weekly is None else f" ({weekly:g} a week)"
    channels = ", ".join(f"{n} to {name}" for name, n in told.by_channel.items())
    return f"{replay.name}: {number} incidents{often}, told in {told.messages} messages at most: {channels}."


def _by_rule(replay: Replay, told: Told) -> list[tuple[object, ...]]:
    return [
        (
            row.rule,
            row.severity,
            row.fired,
            row.incidents,
            row.a_week,
            row.messages,
            row.minutes,
            None if row.largest is None else row.largest[1],
            None if row.largest is None else row.largest[0],
        )
        for row in figures(replay, told)
    ]


def _side_by_side(made: Sequence[Replay], told: Sequence[Told]) -> list[tuple[object, ...]]:
    """A row for each rule of either; nothing where one does not have it."""
    first, second = ({row.rule: row for row in figures(*pair)} for pair in zip(made, told, strict=True))
    rows = []
    for rule in dict.fromkeys([*first, *second]):
        pair = (first.get(rule), second.get(rule))
        columns = ("incidents", "a_week", "messages")
        rows.append((rule, *(getattr(row, column, None) for column in columns for row in pair)))
    return rows


def _incidents(title: str, incidents: Sequence[Incident]) -> None:
    """The gravest of them, in the order of time."""
    if not incidents:
        return
    print()
    worst = sorted(incidents, key=lambda one: (-_rank(one), -one.peak))[:LISTED]
    of = "" if len(worst) == len(incidents) else f", {len(worst)} of {len(incidents)}, the gravest"
    print(visible(f"{title}{of}:"))
    rows = [tuple(_told_of(one).values()) for one in sorted(worst, key=lambda one: one.since)]
    show(INCIDENTS, [(_minute(row[0]), _minute(row[1]), *row[2:]) for row in rows], Shape.TABLE)


def _rank(incident: Incident) -> int:
    from log_sentinel.incidents.grouping import SEVERITIES

    return SEVERITIES.index(incident.severity)


def _told_of(incident: Incident) -> dict[str, object]:
    return {
        "since": incident.since,
        "until": incident.resolved_at,
        "severity": incident.severity.value,
        "rule": incident.rule,
        "dimension": incident.dimension.value,
        "key": incident.key,
        "most_denials": incident.peak,
        "usual": None if incident.expected is None else round(incident.expected, 1),
    }


def _length(span: timedelta) -> str:
    """About how long: in hours from two on, in days from two on."""
    for unit in (timedelta(days=1), timedelta(hours=1)):
        if span >= 2 * unit:
            return written(round(span / unit) * unit)
    return written(span)


def _minute(moment: datetime | object) -> str:
    return "goes on" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _document(made: Sequence[Replay], told: Sequence[Told], difference: Comparison | None) -> dict[str, object]:
    span = made[0].span
    runs = [
        {
            "rules": replay.name,
            "incidents": len(replay.incidents),
            "incidents_a_week": a_week(len(replay.incidents), span),
            "messages": dict(messages.by_channel),
            "by_rule": [asdict(row) for row in figures(replay, messages)],
            "listed": [_told_of(one) for one in replay.incidents],
        }
        for replay, messages in zip(made, told, strict=True)
    ]
    found: dict[str, object] = {"from": span.first, "to": span.end, "learned": span.learned, "runs": runs}
    if difference is not None:
        found["difference"] = {
            "both": [_told_of(one) for one in difference.both],
            "only_first": [_told_of(one) for one in difference.only_first],
            "only_second": [_told_of(one) for one in difference.only_second],
        }
    return found
