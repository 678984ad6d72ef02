from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from log_sentinel.daemon.findings.finding import Finding, Notice, State
from log_sentinel.daemon.findings.rejects import findings
from log_sentinel.store.vitals import REJECTED, SOURCE_MINUTES

NOW = datetime(2026, 11, 24, 12, 10, tzinfo=UTC)
HOUR = NOW.replace(minute=0)


def found(*, before: tuple[int, int], lately: tuple[int, int], reason: str = "no known status") -> Finding:
    """`before`, `lately`: rejects and requests from before the last hours, and of them."""
    then = HOUR - timedelta(hours=9)
    rejected = [("edge", then, reason, before[0]), ("edge", HOUR, reason, lately[0]), ("other", HOUR, "x", 10_000)]
    requests = [("edge", then, before[1]), ("edge", NOW.replace(minute=3), lately[1])]
    [one] = findings(
        pl.DataFrame([row for row in rejected if row[3]], schema=REJECTED, orient="row"),
        pl.DataFrame([row for row in requests if row[2]], schema=SOURCE_MINUTES, orient="row"),
        ["edge"],
        NOW,
    )
    return one


def test_the_share_of_lines_nobody_could_read_is_told_with_its_commonest_reason() -> None:
    one = found(before=(3, 900), lately=(1, 96))

    assert (State.FINE, "source edge", None) == (one.state, one.what, one.notice)
    assert "4 of 1000 lines of the last day could not be read (0.4%), most of them: no known status" == one.says


def test_a_parse_rate_that_fell_is_wrong_and_people_are_told() -> None:
    one = found(before=(10, 9990), lately=(300, 700))

    assert (State.WRONG, Notice.REJECTS) == (one.state, one.notice)
    assert one.says.startswith("30% of its lines cannot be read since lately (0.1% before); 310 of 11000 lines")
    assert "where source = 'edge'" in one.todo


@pytest.mark.parametrize(
    ("before", "lately", "state"),
    [
        ((0, 0), (900, 100), State.WRONG),
        ((200, 800), (200, 800), State.NOTE),
        ((0, 1000), (19, 5), State.FINE),
        ((0, 10_000), (19, 500), State.FINE),
    ],
    ids=["a new source that nobody can read", "as bad as ever", "hardly any line", "noise"],
)
def test_only_what_became_worse_is_wrong(before: tuple[int, int], lately: tuple[int, int], state: State) -> None:
    assert state is found(before=before, lately=lately).state


def test_of_a_source_without_lines_nothing_is_said() -> None:
    nothing = pl.DataFrame(schema=REJECTED), pl.DataFrame(schema=SOURCE_MINUTES)

    assert [] == list(findings(*nothing, ["edge"], NOW))
