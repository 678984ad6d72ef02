"""Bodies that senders post, taken apart into entries with names."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_sentinel.sources.pushed import BadBody, entries, names

objects = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=20) | st.none(), max_size=4)


@given(st.lists(objects, max_size=5), st.sampled_from([None, 2]))
def test_an_array_gives_each_of_its_entries_on_one_line(sent: list[object], indent: int | None) -> None:
    found = entries(json.dumps(sent, indent=indent).encode())
    assert sent == [json.loads(entry) for entry in found]
    assert not any(b"\n" in entry for entry in found)


@given(st.lists(objects, min_size=1, max_size=5))
def test_objects_one_under_the_other_are_an_entry_each(sent: list[object]) -> None:
    assert sent == [json.loads(entry) for entry in entries("\r\n".join(map(json.dumps, sent)).encode())]


@given(st.dictionaries(st.text(max_size=5), objects, max_size=4), st.sampled_from([None, 2]))
def test_a_single_object_is_one_entry_however_it_is_written(sent: object, indent: int | None) -> None:
    assert [sent] == [json.loads(entry) for entry in entries(json.dumps(sent, indent=indent).encode())]


def test_lines_of_any_kind_are_an_entry_each_and_blank_ones_none() -> None:
    envoy = b'[2026-11-24T10:00:00.000Z] "GET / HTTP/1.1" 403 - 0 9 1 - "-" "t" "1" "a" "-"'
    assert [envoy, b"another"] == entries(envoy + b"\n\n  another \r\n")


def test_a_key_that_is_there_twice_stays_twice_for_the_parser_to_refuse() -> None:
    assert [b'{"status":403,"status":200}'] == entries(b'[\n{"status": 403,\n"status": 200}]')


@pytest.mark.parametrize(
    "body",
    [b"", b" \n", b'[{"a": 1', b'[{"a": 1} {"b": 2}]', b"[{" * 200_000, b'[{"a": "\n"}]', b'[{"a": nan}]'],
)
def test_what_is_no_whole_array_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(BadBody):
        entries(body)


@given(st.binary(max_size=200))
def test_whatever_is_posted_is_taken_apart_or_refused(body: bytes) -> None:
    try:
        found = entries(body)
    except BadBody:
        return
    assert all(entry and b"\n" not in entry for entry in found)


@given(st.lists(st.sampled_from([b"a", b"b", b"c"]), max_size=8))
def test_entries_of_one_body_have_different_names_and_the_same_again_when_it_comes_again(lines: list[bytes]) -> None:
    found = names(lines)
    assert len(set(found)) == len(lines)
    assert found == names(lines)


def test_an_entry_has_the_same_name_in_another_batch() -> None:
    assert set(names([b"b", b"a"])) == set(names([b"a", b"b"]))
