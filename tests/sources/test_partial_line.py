"""A line is taken when its newline is there, or when nothing more can come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from log_sentinel.sources.following import REST_OF_A_LINE
from tests.sources.watching import Watch, append, lines, text

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.touch()
    return path


def test_a_line_is_held_back_until_its_newline_is_written(log: Path) -> None:
    watch = Watch(log)
    for byte in text(1)[:-1]:
        append(log, bytes([byte]))
        assert [] == watch.new()
        watch.restart()
    append(log, b"\nhalf")
    assert lines(1) == watch.new()


def test_a_last_line_without_newline_is_one_line_when_the_file_is_over(log: Path) -> None:
    watch = Watch(log, start="beginning")
    append(log, b"cut off")
    assert [] == watch.new()
    log.rename(log.with_name("access.log.1"))
    append(log, text(1))
    assert lines(1) == watch.new()
    assert [b"cut off"] == watch.later()
    assert [] == watch.later()


def test_a_line_that_is_ended_after_the_rotation_is_whole(log: Path) -> None:
    watch = Watch(log, start="beginning")
    old = log.with_name("access.log.1")
    append(log, text(1)[:5])
    watch.new()
    log.rename(old)
    append(log, text(2))
    assert lines(2) == watch.new()
    watch.clock.step(5)
    append(old, text(1)[5:])
    assert lines(1) == watch.new()


def test_the_rest_of_a_line_that_was_taken_as_cut_off_is_no_line_of_its_own(log: Path) -> None:
    watch = Watch(log, start="beginning")
    old = log.with_name("access.log.1")
    append(log, b"cut ")
    watch.new()
    log.rename(old)
    append(log, text(1))
    assert [*lines(1), b"cut "] == watch.new() + watch.later()
    append(old, b"off\n" + text(2))
    assert lines(2) == watch.later()
    assert [(4, REST_OF_A_LINE, b"off")] == watch.skipped()


def test_a_source_that_starts_at_the_end_starts_with_the_line_being_written(log: Path) -> None:
    append(log, text(1) + text(2)[:4])
    watch = Watch(log)
    assert [] == watch.new()
    append(log, text(2)[4:])
    assert lines(2) == watch.new()


def test_only_a_newline_ends_a_line(log: Path) -> None:
    watch = Watch(log, start="beginning")
    odd = "a\r\u2028b\u0085c\x0b\x0cd\x1ce\r".encode()
    append(log, odd + b"\n\n" + b"\xff\xfe\xc0\x80\n")
    assert [odd, b"", b"\xff\xfe\xc0\x80"] == watch.new()


def test_a_torn_line_and_the_one_glued_to_it_are_one_and_the_next_is_fine(log: Path) -> None:
    watch = Watch(log, start="beginning")
    append(log, b'{"a":1{"b":2}\n{"c":3}\n')
    assert [b'{"a":1{"b":2}', b'{"c":3}'] == watch.new()


def test_a_byte_order_mark_is_passed_over_once(log: Path) -> None:
    watch = Watch(log, start="beginning")
    append(log, b"\xef\xbb\xbf" + text(1) + b"\xef\xbb\xbfx\n")
    assert [*lines(1), b"\xef\xbb\xbfx"] == watch.new()
    assert 3 == watch.steps[1].move.start
