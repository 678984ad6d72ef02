from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from log_sentinel.daemon.findings.finding import Finding, Notice, State
from log_sentinel.daemon.findings.times import findings
from log_sentinel.model.lines import GenerationState
from log_sentinel.store.vitals import SOURCE_MINUTES, FileSeen

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BUSY = range(0, 24 * 60, 5)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def a_file(*, read: float = 1, followed: float = 600, unread: int = 0) -> FileSeen:
    """Read `read` minutes ago, and followed for `followed`."""
    return FileSeen("inner", "/x.log", GenerationState.ACTIVE, 100, 100 + unread, ago(followed), ago(read))


def found(inner: list[float] | range, *, others: list[float] | range = BUSY, file: FileSeen | None = None) -> Finding:
    """What is found of the source `inner`, which had requests so many minutes ago."""
    rows = [("inner", ago(m), 1) for m in inner] + [("edge", ago(m), 1) for m in others]
    requests = pl.DataFrame(sorted(rows, key=lambda row: row[1]), schema=SOURCE_MINUTES, orient="row")
    ours = [
        one
        for one in findings(requests, [] if file is None else [file], ["inner", "edge"], NOW)
        if "edge" not in one.what
    ]
    return ours[-1]


def test_a_source_that_stops_while_others_go_on_is_told() -> None:
    one = found(range(40, 24 * 60, 2))

    assert (State.WRONG, Notice.SILENT) == (one.state, one.notice)
    assert "silent since 2026-11-24 11:20 UTC, while other sources went on" == one.says


def test_a_source_that_often_pauses_may_pause() -> None:
    assert State.FINE is found([70, 130, 200]).state
    assert State.WRONG is found([150, 210, 280]).state


def test_silence_of_all_is_a_quiet_night() -> None:
    assert State.FINE is found(range(600, 900), others=range(590, 900)).state


def test_a_source_is_still_silent_after_more_than_a_day() -> None:
    one = found([], file=a_file(read=3000))

    assert (State.WRONG, Notice.SILENT) == (one.state, one.notice)
    assert "no request in the last day, while other sources went on" == one.says


def test_a_source_that_never_had_a_request_is_no_news() -> None:
    assert (State.NOTE, None) == (found([]).state, found([]).notice)


def test_times_that_are_still_to_come_are_told() -> None:
    one = found([-90, 0, 5], others=BUSY)

    assert ("clock", State.WRONG, Notice.CLOCK) == (one.what, one.state, one.notice)
    assert "the newest request of source inner is of 2026-11-24 13:30 UTC, which is still to come" == one.says


def test_lines_that_are_written_now_and_say_they_are_old_are_told() -> None:
    one = found(range(120, 600), others=range(120, 600), file=a_file())

    assert ("clock", Notice.CLOCK) == (one.what, one.notice)
    assert one.says.endswith("is of 2026-11-24 10:00 UTC, though lines were read just now")


@pytest.mark.parametrize(
    "file",
    [a_file(read=9), a_file(followed=3), a_file(unread=5000)],
    ids=["idle", "read for the first time", "catching up"],
)
def test_old_lines_that_are_caught_up_with_are_none_of_a_wrong_clock(file: FileSeen) -> None:
    assert "source inner" == found(range(120, 600), others=range(120, 600), file=file).what
