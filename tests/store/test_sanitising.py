"""Values are made fit for a database, and nothing else about them changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from log_sentinel.model.columns import TIME
from log_sentinel.store.sanitising import (
    AHEAD,
    EARLIEST,
    KEY_BYTES,
    MAX_INTEGER,
    fit_frame,
    fit_integer,
    fit_json,
    fit_key,
    fit_text,
)

NOW = datetime(2026, 11, 24, 10, 5, 7, tzinfo=UTC)
ANY_TEXT = st.text(st.characters(exclude_categories=[]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(ANY_TEXT)
def test_fit_text_can_be_encoded_and_holds_no_nul(text: str) -> None:
    fit = fit_text(text)
    assert "\x00" not in fit
    assert len(fit) == len(text)
    assert fit.encode().decode() == fit
    assert fit_text(fit) == fit


@given(JSON)
def test_fit_json_is_strict_json_that_postgres_takes(value: object) -> None:
    text = json.dumps(fit_json(value), ensure_ascii=True, allow_nan=False)
    assert "\\u0000" not in text.replace("\\\\", "")
    json.loads(text)


@given(st.integers())
def test_fit_integers_are_64_bits_wide(number: int) -> None:
    fit = fit_integer(number)
    assert -MAX_INTEGER - 1 <= fit <= MAX_INTEGER
    assert fit == number or abs(number) > MAX_INTEGER


@given(st.text(min_size=KEY_BYTES // 5, max_size=2 * KEY_BYTES))
def test_fit_keys_are_short_and_short_keys_stay_as_they_are(text: str) -> None:
    fit = fit_key(text)
    assert len(fit.encode()) <= KEY_BYTES
    if len(fit_text(text).encode()) <= KEY_BYTES:
        assert fit == fit_text(text)


def test_two_long_keys_that_begin_alike_stay_two() -> None:
    assert fit_key("c" * 5000) != fit_key("c" * 5001)


def test_a_frame_and_a_key_are_shortened_alike() -> None:
    frame = pl.DataFrame({"client": ["c" * 5000, "ü\U0001f600" * 300, "short", None]})
    assert fit_frame(frame, NOW)["client"].to_list() == [*map(fit_key, frame["client"].to_list()[:3]), None]


def test_absurd_times_become_the_time_of_reading_and_say_so() -> None:
    times = [EARLIEST - timedelta(milliseconds=1), EARLIEST, NOW, NOW + AHEAD, NOW + AHEAD + timedelta(days=1)]
    frame = pl.DataFrame(
        {"time": times, "time_is": ["end"] * 5, "minute": times, "hour": times},
        schema={"time": TIME, "time_is": pl.String, "minute": TIME, "hour": TIME},
    )
    fit = fit_frame(frame, NOW)
    assert fit["time"].to_list() == [NOW, *times[1:4], NOW]
    assert fit["time_is"].to_list() == ["received", "end", "end", "end", "received"]
    assert fit["minute"][0] == NOW.replace(second=0)
    assert fit["hour"][4] == NOW.replace(minute=0, second=0)


def test_escaped_half_surrogates_and_nul_in_json_columns_are_replaced_and_the_rest_is_untouched() -> None:
    good = '[{"value": "\\\\u0000 is a backslash", "n": 1.0}]'
    bad = ['{"a": "\\u0000"}', '{"a": "\\ud800"}', '{"a": "\\ud83d\\ude00"}', "{ torn \\u0000"]
    fit = fit_frame(pl.DataFrame({"evidence": [good, *bad, None]}), NOW)["evidence"].to_list()
    assert json.loads(fit[0]) == json.loads(good)
    assert [json.loads(text) for text in fit[1:4]] == [{"a": "\ufffd"}, {"a": "\ufffd"}, {"a": "\U0001f600"}]
    assert json.loads(fit[4]) == "{ torn \\u0000"
    assert fit[5] is None


def test_a_frame_without_faults_comes_back_as_it_was() -> None:
    frame = pl.DataFrame(
        {"time": [NOW], "path": ["/a"], "client": [None], "duration_ms": [0.5]},
        schema={"time": TIME, "path": pl.String, "client": pl.String, "duration_ms": pl.Float64},
    )
    assert fit_frame(frame, NOW).equals(frame)
    assert fit_frame(frame.clear(), NOW).equals(frame.clear())
