"""Whether requests come in from every source, and of the time they should be of."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.daemon.findings.finding import Finding, Notice, State
from log_sentinel.model.lines import GenerationState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from log_sentinel.store.vitals import FileSeen

# A source is silent when others have gone on for so long without it, and for so many times its own longest pause.
SILENT_FOR, TIMES_ITS_PAUSE = timedelta(minutes=30), 2
AHEAD = timedelta(minutes=5)
# Lines that were read so lately should not be of longer ago than BEHIND, in a file that is followed for a while.
LATELY, BEHIND, FOLLOWED_FOR = timedelta(minutes=3), timedelta(minutes=10), timedelta(minutes=15)
CLOCKS = "Set this machine's clock and the gateway's, or `zone` of the source."


def findings(
    requests: pl.DataFrame, files: Collection[FileSeen], sources: Collection[str], now: datetime
) -> Iterator[Finding]:
    """`requests`: store.vitals.SOURCE_MINUTES of the last day and the next; `files` as `files.findings` has them."""
    newest = dict(requests.group_by("source").agg(pl.col("minute").max()).rows())
    for name in sources:
        yield _heard(name, newest, requests, files)
    yield from _clocks(newest, files, sources, now)


def _heard(name: str, newest: Mapping[str, datetime], requests: pl.DataFrame, files: Collection[FileSeen]) -> Finding:
    what, others = f"source {name}", "while other sources went on"
    todo = "Does its gateway run, and write to this file?"
    if name not in newest:
        was_read = any(file.source == name and file.offset for file in files)
        if newest and was_read:
            return Finding(State.WRONG, what, f"no request in the last day, {others}", todo, Notice.SILENT)
        return Finding(State.NOTE, what, "no request in the last day", "Is it the log the gateway writes?")
    last = newest[name]
    minutes = requests.filter(pl.col("source") == name)["minute"]
    pause = minutes.diff().max()
    longest = pause if isinstance(pause, timedelta) else timedelta(0)
    if max(newest.values()) - last > max(SILENT_FOR, TIMES_ITS_PAUSE * longest):
        says = f"silent since {last:%Y-%m-%d %H:%M} UTC, {others}"
        return Finding(State.WRONG, what, says, todo, Notice.SILENT)
    return Finding(State.FINE, what, f"its newest request is of {last:%Y-%m-%d %H:%M} UTC")


def _clocks(
    newest: Mapping[str, datetime], files: Collection[FileSeen], sources: Collection[str], now: datetime
) -> Iterator[Finding]:
    for name in sources:
        if (last := newest.get(name)) is None:
            continue
        of = f"the newest request of source {name} is of {last:%Y-%m-%d %H:%M} UTC"
        if last > now + AHEAD:
            yield Finding(State.WRONG, "clock", f"{of}, which is still to come", CLOCKS, Notice.CLOCK)
        elif last < now - BEHIND and any(_is_live(file, now) for file in files if file.source == name):
            yield Finding(State.WRONG, "clock", f"{of}, though lines were read just now", CLOCKS, Notice.CLOCK)


def _is_live(file: FileSeen, now: datetime) -> bool:
    """Whether what is written to it is read at once: neither the past is caught up with, nor is it idle."""
    followed = file.state is GenerationState.ACTIVE and now - file.first_seen_at >= FOLLOWED_FOR
    return followed and now - file.changed_at <= LATELY and file.offset >= file.size_seen
