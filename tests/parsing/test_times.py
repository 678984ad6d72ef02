from __future__ import annotations

from datetime import UTC, datetime

import pytest

from log_sentinel.parsing.times import Clock


def read(dialect: str, value: object, zone: str = "UTC") -> str | None:
    found = Clock(dialect, zone).read(value)
    return None if found is None else datetime.fromtimestamp(found / 1000, UTC).isoformat(timespec="milliseconds")[:-6]


@pytest.mark.parametrize(
    ("dialect", "value", "expected"),
    [
        ("clf", "24/Nov/2026:03:33:33 +0000", "2026-11-24T03:33:33.000"),
        ("clf", "24/Nov/2026:03:33:33 -0330", "2026-11-24T07:03:33.000"),
        ("clf", "24/Nov/2026:03:33:33.250 +0000", "2026-11-24T03:33:33.250"),
        ("iso8601", "2026-11-24T04:33:33+01:00", "2026-11-24T03:33:33.000"),
        ("iso8601", "2026-11-24T03:33:33.522999Z", "2026-11-24T03:33:33.522"),
        ("epoch_s", "1795491213.522", "2026-11-24T03:33:33.522"),
        ("epoch_s", 1795491213.522, "2026-11-24T03:33:33.522"),
        ("epoch_ms", 1795491213522, "2026-11-24T03:33:33.522"),
        ("epoch_ms", "1795491213522", "2026-11-24T03:33:33.522"),
        ("error_log", "2026/11/24 03:33:33", "2026-11-24T03:33:33.000"),
        ("datetime", "2026-11-24 03:33:33", "2026-11-24T03:33:33.000"),
    ],
)
def test_every_dialect_is_read_as_utc_with_milliseconds(dialect: str, value: object, expected: str) -> None:
    assert expected == read(dialect, value)


def test_a_time_without_an_offset_is_in_the_zone_of_the_source() -> None:
    assert read("error_log", "2026/07/01 12:00:00", "Europe/Berlin") == "2026-07-01T10:00:00.000"


def test_haproxys_times_have_milliseconds_and_no_offset() -> None:
    assert read("clf", "24/Nov/2026:03:33:39.823", "Europe/Berlin") == "2026-11-24T02:33:39.823"


def test_of_the_hour_that_a_clock_change_repeats_the_first_pass_is_taken() -> None:
    assert read("error_log", "2026/10/25 02:30:00", "Europe/Berlin") == "2026-10-25T00:30:00.000"


def test_a_leap_second_is_the_last_millisecond_before_it() -> None:
    assert read("clf", "30/Jun/2015:23:59:60 +0000") == "2015-06-30T23:59:59.999"


@pytest.mark.parametrize(
    ("dialect", "value"),
    [
        ("clf", "01/Jan/1970:00:00:00 +0000"),
        ("clf", "01/Jan/2100:00:00:00 +0000"),
        ("clf", "24/Foo/2026:03:33:33 +0000"),
        ("clf", "31/Feb/2026:03:33:33 +0000"),
        ("clf", "24/Nov/2026:24:33:33 +0000"),
        ("clf", "24/Nov/2026:03:33:61 +0000"),
        ("clf", "24/Nov/2026:03:33:33 +9999"),
        ("clf", "24/Nov/٢٠٢٦:03:33:33 +0000"),
        ("clf", "24/Nov/2026:03:33"),
        ("clf", None),
        ("epoch_ms", 0),
        ("epoch_ms", True),
        ("epoch_ms", 10**30),
        ("epoch_ms", []),
        ("epoch_s", "1e9"),
        ("epoch_s", "-1"),
        ("iso8601", {"a": 1}),
        ("iso8601", ""),
    ],
)
def test_what_no_gateway_can_have_written_is_no_time(dialect: str, value: object) -> None:
    assert read(dialect, value) is None
