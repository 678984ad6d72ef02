"""Lines that cannot be read again: what is held, given out, and given out again."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from log_sentinel.sources.feed import Block, Feed
from log_sentinel.sources.once import OncePass
from tests.sources.watching import CHUNK, MemoryCheckpoints, cut, read_all

if TYPE_CHECKING:
    from log_sentinel.model.lines import Lines

PLACE = "somewhere"


def feed(store: MemoryCheckpoints | None = None) -> Feed:
    return Feed("edge", PLACE, store or MemoryCheckpoints())


def test_rejects_are_told_at_the_offset_at_which_they_would_have_been() -> None:
    one = feed()
    one.add(Block(b"a\n"))
    one.add(Block(b"b\nc\n", ((2, "too long", b"x"),)))
    lines = one.read(CHUNK)
    assert lines is not None
    assert ([b"a", b"b", b"c"], ((4, "too long", b"x"),)) == (cut(lines), lines.skipped)


def test_a_later_start_goes_on_in_the_same_generation() -> None:
    store = MemoryCheckpoints()
    for number in range(2):
        one = feed(store)
        one.add(Block(b"a\n"))
        lines = one.read(CHUNK)
        assert lines is not None
        assert (1, 2 * number) == (lines.move.to.generation, lines.move.start)
        store.commit(lines)


def test_what_is_left_at_the_end_is_taken_up_by_the_next() -> None:
    store = MemoryCheckpoints()
    one = feed(store)
    one.add(Block(b"a\n"))
    one.read(CHUNK)
    one.add(Block(b"b\n"))
    lines = Feed("edge", PLACE, store, one.left()).read(CHUNK)
    assert lines is not None
    assert [b"a", b"b"] == cut(lines)


def test_what_is_read_once_from_another_pipe_of_the_same_source_does_not_go_on_there() -> None:
    store = MemoryCheckpoints()
    one = feed(store)
    one.add(Block(b"a\n" * 10))
    lines = one.read(CHUNK)
    assert lines is not None
    store.commit(lines)
    pipe = OncePass("edge", "-", store, io.BytesIO(b"b\n" * 20))
    assert [b"b"] * 20 == [line for step in read_all(pipe, store) for line in cut(step)]


steps = st.lists(st.sampled_from(["add", "read", "commit", "commit unheard", "rewind"]), max_size=40)


@given(steps)
def test_every_line_is_committed_once_and_in_its_order(happens: list[str]) -> None:
    store = MemoryCheckpoints()
    one = feed(store)
    given_out: list[Lines] = []
    committed: list[bytes] = []
    added = 0

    def commit() -> None:
        lines = given_out.pop(0)
        store.commit(lines)
        committed.extend(cut(lines))

    for what in [*happens, "rewind"]:
        if what == "add":
            one.add(Block(b"line %d\n" % added))
            added += 1
        elif what == "read" and (lines := one.read(12)) is not None:
            given_out.append(lines)
        elif what == "commit" and given_out:
            commit()
            one.committed()
        elif what == "rewind" or (what == "commit unheard" and given_out):
            if what == "commit unheard":
                commit()
            one.rewind()
            given_out.clear()
    while (lines := one.read(12)) is not None:
        store.commit(lines)
        committed += cut(lines)
    assert [b"line %d" % number for number in range(added)] == committed
