import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_sentinel.cli.output import Shape, show

EVIL = "\x1b[2J\u202e=cmd|' /C calc'!A0"


def printed(shape: Shape, columns: tuple[str, ...], *rows: tuple[object, ...]) -> str:
    stream = io.StringIO()
    show(columns, rows, shape, stream)
    return stream.getvalue()


def test_a_table_has_its_columns_and_a_line_for_each_row() -> None:
    out = printed(Shape.TABLE, ("path", "n", "says"), ("/a", 7, ""), ("/bb", 12, "well"))

    assert out.splitlines() == ["path    n   says", "─" * 16, "/a      7", "/bb    12   well"]


def test_a_table_in_a_pipe_cuts_nothing() -> None:
    assert "/" + "x" * 3000 in printed(Shape.TABLE, ("path",), ("/" + "x" * 3000,))


def test_rich_takes_no_markup_from_cells() -> None:
    assert "[bold red]hi[/] [link=http://evil]x[/link]" in printed(
        Shape.TABLE, ("path",), ("[bold red]hi[/] [link=http://evil]x[/link]",)
    )


@pytest.mark.parametrize("shape", [Shape.TABLE, Shape.CSV, Shape.JSON, Shape.JSONL])
def test_no_shape_lets_a_terminal_sequence_through(shape: Shape) -> None:
    out = printed(shape, ("path",), (EVIL,))

    assert "\x1b" not in out
    assert "\u202e" not in out


def test_json_gives_the_text_back_unaltered() -> None:
    assert json.loads(printed(Shape.JSON, ("path", "n"), (EVIL, 1))) == [{"path": EVIL, "n": 1}]


def test_jsonl_is_an_object_a_line() -> None:
    out = printed(Shape.JSONL, ("a",), ("one\ntwo",), (None,))

    assert [json.loads(line) for line in out.splitlines()] == [{"a": "one\ntwo"}, {"a": None}]


def test_two_columns_of_one_name_stay_two() -> None:
    assert json.loads(printed(Shape.JSON, ("n", "n", "n"), (1, 2, 3))) == [{"n": 1, "n_2": 2, "n_3": 3}]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_csv_keeps_a_spreadsheet_from_running_a_text(start: str) -> None:
    [[_], [cell]] = csv.reader(io.StringIO(printed(Shape.CSV, ("path",), (f"{start}1+1",))))

    assert cell.startswith("'")


@pytest.mark.parametrize("number", [-5, -0.25, 0, "-5", "+5.5", "1e-3"])
def test_csv_leaves_numbers_alone(number: object) -> None:
    assert printed(Shape.CSV, ("n",), (number,)) == f"n\n{number}\n"


def test_times_and_durations_are_written_as_everywhere() -> None:
    time = datetime(2026, 11, 24, 10, 0, 0, 123456, tzinfo=UTC)

    assert printed(Shape.CSV, ("t", "d"), (time, timedelta(days=90))) == "t,d\n2026-11-24T10:00:00.123Z,90d\n"
    assert json.loads(printed(Shape.JSON, ("t",), (time,))) == [{"t": "2026-11-24T10:00:00.123Z"}]


def test_nothing_found_is_an_empty_list_and_not_an_error() -> None:
    assert printed(Shape.JSON, ("a",)) == "[]\n"
    assert printed(Shape.JSONL, ("a",)) == ""
    assert printed(Shape.CSV, ("a",)) == "a\n"
    assert "a" in printed(Shape.TABLE, ("a",))


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_passes_every_shape(text: str) -> None:
    for shape in Shape:
        printed(shape, ("path",), (text,)).encode()
    assert json.loads(printed(Shape.JSON, ("path",), (text,))) == [{"path": text}]
