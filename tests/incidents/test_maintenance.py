from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from log_sentinel.incidents.maintenance import DAYS, Maintenance, under_way

BERLIN = {"zone": "Europe/Berlin"}


def window(since: object, until: object, **more: Any) -> Maintenance:
    return Maintenance.model_validate({"since": since, "until": until, **more})


def holds(one: Maintenance, moment: str) -> bool:
    return one.silence("w", datetime.fromisoformat(moment).replace(tzinfo=UTC)) is not None


@pytest.mark.parametrize(
    ("moment", "within"),
    [
        ("2026-11-24 20:59", False),
        ("2026-11-24 21:00", True),
        ("2026-11-24 22:29", True),
        ("2026-11-24 22:30", False),
        ("2026-11-25 21:30", False),
    ],
)
def test_a_weekly_window_follows_the_clock_of_its_zone(moment: str, within: bool) -> None:
    assert within == holds(window("22:00", "23:30", days=["tue"], **BERLIN), moment)


@pytest.mark.parametrize(
    ("moment", "within"), [("2026-11-24 23:00", True), ("2026-11-25 01:59", True), ("2026-11-25 23:00", False)]
)
def test_a_window_over_midnight_belongs_to_the_day_it_begins_on(moment: str, within: bool) -> None:
    assert within == holds(window("22:00", "02:00", days=["tue"]), moment)


def test_a_dated_window_is_written_as_text_or_as_tomls_own() -> None:
    written = window("2026-12-01 20:00", "2026-12-02 04:00", **BERLIN)
    toml = window(datetime(2026, 12, 1, 20), datetime(2026, 12, 2, 4), **BERLIN)  # noqa: DTZ001 - as TOML gives it

    assert written == toml
    assert [False, True, False] == [
        holds(written, moment) for moment in ("2026-12-01 18:59", "2026-12-01 19:00", "2026-12-02 03:00")
    ]


@pytest.mark.parametrize(
    ("since", "until", "begins", "ends"),
    [
        # 02:00 became 03:00 at 01:00 UTC: 02:30 was never
        ("02:30", "03:30", "2026-03-29 00:30", "2026-03-29 01:30"),
        ("01:30", "02:30", "2026-03-29 00:30", "2026-03-29 01:30"),
        ("02:15", "02:45", "2026-03-29 00:15", "2026-03-29 01:45"),
    ],
)
def test_in_the_night_of_the_missing_hour_a_window_is_no_shorter(
    since: str, until: str, begins: str, ends: str
) -> None:
    found = window(since, until, **BERLIN).silence("w", datetime(2026, 3, 29, 1, tzinfo=UTC))

    assert found is not None
    assert (begins, ends) == (f"{found.starts_at:%Y-%m-%d %H:%M}", f"{found.ends_at:%Y-%m-%d %H:%M}")


def test_in_the_night_of_the_double_hour_a_window_is_one_piece() -> None:
    # 03:00 became 02:00 at 01:00 UTC: 02:00 to 03:00 was twice
    found = window("01:30", "02:30", **BERLIN).silence("w", datetime(2026, 10, 25, 0, 45, tzinfo=UTC))

    assert found is not None
    assert timedelta(hours=2) == found.ends_at - found.starts_at


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - its zone is given below
    st.times(),
    st.times(),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Pacific/Apia"]),
)
def test_a_window_lasts_as_long_as_written_but_for_an_hour_when_clocks_change(
    moment: datetime, since: Any, until: Any, zone: str
) -> None:
    since, until = since.replace(second=0, microsecond=0), until.replace(second=0, microsecond=0)
    found = window(since, until, zone=zone).silence("w", moment.replace(tzinfo=UTC))
    length = (datetime.combine(moment, until) - datetime.combine(moment, since)) % timedelta(days=1)

    if found is not None:
        lasts, written = found.ends_at - found.starts_at, length or timedelta(days=1)
        # a clock that is set within the window takes an hour from it or gives it one
        assert written - timedelta(hours=1) <= lasts <= written + timedelta(hours=1)
        assert found.starts_at <= moment.replace(tzinfo=UTC) < found.ends_at


def test_windows_under_way_are_named_as_who_silences() -> None:
    windows = {"a": window("00:00", "00:00", why="always"), "b": window("2020-01-01 00:00", "2020-01-02 00:00")}

    (found,) = under_way(windows, datetime(2026, 11, 24, 10, tzinfo=UTC))

    assert ("maintenance a", "always") == (found.who, found.why)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"since": "noon", "until": "13:00"}, 'a time of day, as in "22:00", or a date and time'),
        ({"since": "10:00", "until": "2026-12-01 10:00"}, "both times of day, or both dates"),
        ({"since": "2026-12-01 10:00", "until": "2026-12-01 10:00"}, "until is not after since"),
        ({"since": "2026-12-01 10:00", "until": "2026-12-01 11:00", "days": ["mon"]}, "days belong to times of day"),
        ({"since": "10:00", "until": "11:00", "zone": "Europe/Berln"}, "no such time zone"),
        ({"since": "10:00", "until": "11:00", "days": ["monday"]}, "'mon'"),
        ({"since": "10:00", "until": "11:00", "match": {"severity": "grave"}}, "severity: one of .* is allowed"),
    ],
)
def test_a_window_that_cannot_be_right_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Maintenance.model_validate(given)


def test_days_are_those_of_the_week() -> None:
    assert [holds(window("10:00", "11:00", days=[day]), "2026-11-23 10:30") for day in DAYS] == [True, *[False] * 6]
