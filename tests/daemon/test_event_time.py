from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from log_sentinel.daemon.event_time import EventTime, believable
from log_sentinel.detection.minutes import number

NOW = datetime(2026, 3, 3, 12, 0, 30, tzinfo=UTC)
WALL = number(NOW)
STARTED = 5000.0


def later(seconds: float) -> tuple[datetime, float]:
    """The wall's time and the steady clock's, so many seconds after NOW."""
    return NOW + timedelta(seconds=seconds), STARTED + seconds


def test_the_next_minute_in_the_log_closes_the_one_before() -> None:
    time = EventTime()

    assert time.last_closed({WALL}, *later(0), idle=False) == WALL - 1
    assert time.last_closed({WALL, WALL + 1}, *later(40), idle=False) == WALL


def test_without_a_line_there_is_no_time() -> None:
    assert None is EventTime().last_closed((), *later(0), idle=True)


def test_a_log_that_pauses_goes_on_with_the_walls_time() -> None:
    time = EventTime()
    closed = [time.last_closed({WALL}, *later(seconds), idle=True) for seconds in (0, 34, 35, 94, 95)]

    assert closed == [WALL - 1, WALL - 1, WALL, WALL, WALL + 1]


def test_while_lines_wait_to_be_stored_the_wall_closes_nothing() -> None:
    time = EventTime()
    time.last_closed({WALL}, *later(0), idle=False)

    assert time.last_closed({WALL}, *later(600), idle=False) == WALL - 1


def test_a_replay_of_last_year_goes_at_its_own_pace() -> None:
    time, then = EventTime(), WALL - 500_000
    time.last_closed({then}, *later(0), idle=True)

    assert then - 1 == time.last_closed({then}, *later(64), idle=True)
    assert then == time.last_closed({then}, *later(65), idle=True)


def test_a_stray_line_from_the_future_moves_nothing() -> None:
    assert believable({WALL - 1, WALL, WALL + 90}, NOW) == WALL


def test_a_log_that_is_ahead_of_the_wall_is_believed() -> None:
    assert believable({WALL, *range(WALL + 90, WALL + 94)}, NOW) == WALL + 93


def test_time_never_goes_back() -> None:
    time = EventTime()
    time.last_closed({WALL}, *later(0), idle=False)

    assert time.last_closed({WALL - 60}, *later(10), idle=False) == WALL - 1


@pytest.mark.parametrize("hours", [-24 * 365, -1, 1, 24 * 365])
def test_a_wall_clock_that_jumps_while_the_log_pauses_closes_and_opens_nothing(hours: int) -> None:
    jumping, steady = EventTime(), EventTime()
    for seconds in range(0, 600, 7):
        now, passed = later(seconds)
        there = now + timedelta(hours=hours) if seconds % 2 else now
        expected = steady.last_closed({WALL}, now, passed, idle=True)
        assert expected == jumping.last_closed({WALL}, there, passed, idle=True)


def test_a_minute_that_was_seen_late_is_over_no_sooner_than_a_minute_later() -> None:
    time = EventTime()
    time.last_closed({WALL - 10}, *later(0), idle=True)

    assert time.last_closed({WALL - 10}, *later(64), idle=True) == WALL - 11
    assert time.last_closed({WALL - 10}, *later(65), idle=True) == WALL - 10
