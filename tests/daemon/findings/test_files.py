from __future__ import annotations

from datetime import UTC, datetime, timedelta

from log_sentinel.daemon.findings.files import findings
from log_sentinel.daemon.findings.finding import Notice, State
from log_sentinel.model.lines import GenerationState
from log_sentinel.store.vitals import FileSeen

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def a_file(state: GenerationState, offset: int, size: int, *, began: float = 1, changed: float = 0) -> FileSeen:
    """Seen first `began` days ago, read last `changed` days ago."""
    days = (NOW - timedelta(days=began), NOW - timedelta(days=changed))
    return FileSeen("edge", "/logs/access.log", state, offset, size, *days)


def said(*files: FileSeen) -> list[tuple[State, str, Notice | None]]:
    return [(one.state, one.says, one.notice) for one in findings(files, ["edge"], NOW)]


def test_a_followed_file_says_how_far_it_was_read_and_rotations_are_counted() -> None:
    told = said(
        a_file(GenerationState.FINISHED, 50, 50, changed=2),
        a_file(GenerationState.FINISHED, 70, 70, changed=1),
        a_file(GenerationState.ACTIVE, 10, 30),
    )

    assert told == [
        (State.FINE, "/logs/access.log: 10 of 30 bytes are stored", None),
        (State.FINE, "2 rotations seen in the last 7 days, the last one ended 2026-11-23 12:00 UTC", None),
    ]


def test_a_large_file_that_nobody_rotates_is_told() -> None:
    large = 3_000_000_000

    assert State.NOTE is said(a_file(GenerationState.ACTIVE, large, large, began=9))[-1][0]
    assert (
        "3.0 GB, and no rotation was seen since 2026-11-15 UTC"
        in said(a_file(GenerationState.ACTIVE, large, large, began=9))[-1][1]
    )
    assert 1 == len(said(a_file(GenerationState.ACTIVE, large, large, began=0.5)))


def test_bytes_that_were_lost_are_told_to_people_on_the_day_they_were() -> None:
    lost = "/logs/access.log: 20 bytes were gone before they could be read"

    assert (State.WRONG, lost, Notice.LOST) in said(a_file(GenerationState.GAP, 10, 30, changed=0.5))
    assert (State.WRONG, lost, None) in said(a_file(GenerationState.GAP, 10, 30, changed=2))


def test_a_file_that_ended_with_nothing_unread_lost_nothing() -> None:
    assert all(state is State.FINE for state, _, _ in said(a_file(GenerationState.GAP, 30, 30)))
