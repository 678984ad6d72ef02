from __future__ import annotations

from datetime import timedelta

import pytest

from log_sentinel.backtest.plot import Columns, picture
from tests.backtest.histories import a_history, a_span, at, both, frames, told_in, tried


@pytest.mark.parametrize(("minutes", "step", "columns"), [(72, 1, 72), (73, 5, 15), (10_080, 240, 42), (1, 1, 1)])
def test_a_column_is_a_round_length_of_time(minutes: int, step: int, columns: int) -> None:
    made = Columns(a_span(0, minutes), 72)

    assert (timedelta(minutes=step), columns) == (made.step, len(made.counts))


def test_years_fit_too_in_weeks() -> None:
    columns = Columns(a_span(0, 10 * 366 * 1440 + 7), 72)

    assert len(columns.counts) <= 72
    assert columns.step % timedelta(weeks=1) == timedelta(0)


def test_denials_are_drawn_over_the_incidents_below_them() -> None:
    story = both(told_in(range(-600, 60), 2), told_in(range(30, 40), 60))
    columns = Columns(a_span(0, 60), 72)
    columns.add(frames(story, range(0))[0])

    drawn = picture(columns, [tried(a_history(story, range(-600, 60)), a_span(0, 60, 600))])

    assert "denials       " + "▂" * 30 + "█" * 10 + "▂" * 20 + "  62 at most in 1m" == drawn[0]
    assert "client-spike  " + "·" * 30 + "▪" * 24 + "·" * 6 + "  1" == drawn[1]
    assert ["              03 Mar 12:00 UTC, 1m a character"] == drawn[2:]


def test_nothing_denied_is_a_flat_line() -> None:
    assert picture(Columns(a_span(0, 5), 72), []) == [
        "denials  ▁▁▁▁▁  0 at most in 1m",
        f"         {at(0):%d %b %H:%M} UTC, 1m a character",
    ]
