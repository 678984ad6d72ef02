"""`log-sentinel rules suggest`: a rule file whose threshold comes from the past."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from log_sentinel.cli.visible import visible
from log_sentinel.config.durations import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_sentinel.backtest.replay import Firing
    from log_sentinel.backtest.suggest import Suggestion
    from log_sentinel.detection.rule import Rule, Series

LISTED = 10


def rule_file(found: Suggestion) -> str:
    """The suggestion as TOML, with what it rests on in comments: names out of logs stand nowhere else, made safe."""
    return "\n".join([*_comments(found), *_keys(found.rule), *_all_series(found.rule), ""])


def _comments(found: Suggestion) -> Iterator[str]:
    span, firings = found.span, found.chosen.firings
    yield f"# From {span.first:%Y-%m-%d %H:%M} to {span.end:%Y-%m-%d %H:%M} UTC it would {_times(firings)}."
    largest = sorted(firings, key=lambda one: -one.peak)[:LISTED]
    for one in sorted(largest, key=lambda one: one.since):
        minutes = round((one.until - one.since) / timedelta(minutes=1)) + 1
        yield f"#   {one.since:%Y-%m-%d %H:%M}, {minutes} minutes: {visible(one.key)}, {one.peak} denials at most"
    if len(firings) > len(largest):
        yield f"#   and {len(firings) - len(largest)} smaller ones"
    ladder = ", ".join(f"{rung.at_least}: {len(rung.firings)}" for rung in found.rungs)
    yield f"# By at_least, how often: {ladder}."


def _times(firings: tuple[Firing, ...]) -> str:
    return {0: "never have fired", 1: "have fired once"}.get(len(firings), f"have fired {len(firings)} times")


def _keys(rule: Rule) -> Iterator[str]:
    yield f'description = "{rule.description}"'
    yield f'kind = "{rule.kind}"'
    yield f'dimension = "{rule.counted.dimension}"'
    if rule.counted.statuses:
        yield f"statuses = {list(rule.counted.statuses)}"
    yield f'window = "{rule.window}m"'
    yield f"at_least = {rule.at_least}"
    if rule.times_usual > 1:
        yield f"times_usual = {rule.times_usual:g}"
    yield f'for = "{rule.confirm}m"'
    yield f'keep_firing_for = "{written(rule.keep_firing_for)}"'
    yield f'severity = "{rule.severity}"'


def _all_series(rule: Rule) -> Iterator[str]:
    for series in rule.series:
        yield from ("", "[[series]]", f'name = "{series.name}"', f'denials = "{_counts(series)}"')
        if series.fires_at is not None:
            yield f"fires_at = {series.fires_at}"
        if series.resolves_at is not None:
            yield f"resolves_at = {series.resolves_at}"


def _counts(series: Series) -> str:
    runs = [(n, len(list(same))) for n, same in groupby(series.denials)]
    return " ".join(f"{n}x{times}" for n, times in runs)
