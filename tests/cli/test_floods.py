"""Our own log is bounded, whatever clients make us say, and never stops the work, whatever its disk does."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from log_sentinel.cli import floods, logs
from log_sentinel.cli.floods import MOST, PERIOD_SECONDS, Floods
from log_sentinel.daemon.judging import Format, judged
from log_sentinel.daemon.settings import LogSettings
from log_sentinel.model.lines import Checkpoint, GenerationState, Lines, Move
from log_sentinel.sources.generations import EMPTY
from tests.cli.running import logging_as_before
from tests.store.small_disk import small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from log_sentinel.model.parsed import ParsedLines


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    with logging_as_before():
        yield


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(logs, "Floods", lambda: Floods(made))
    return made


def said(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_what_is_said_too_often_is_held_back_and_how_often_is_told_later(clock: Clock) -> None:
    stream = io.StringIO()
    logs.set_up(LogSettings(), (), stream)
    for number in range(1000):
        structlog.get_logger("part").warning("odd", number=number)
    structlog.get_logger("part").warning("another matter")
    assert MOST + 1 == len(said(stream))

    clock.now += PERIOD_SECONDS
    structlog.get_logger("status").info("status")

    told, status = said(stream)[-2:]
    assert ("odd", 1000 - MOST) == (told["what"], told["held_back"])
    assert "status" == status["event"]
    for number in range(MOST):
        structlog.get_logger("part").warning("odd", number=number)
    assert 2 * MOST + 3 == len(said(stream))


def test_messages_of_libraries_that_are_never_the_same_are_bounded_in_memory(clock: Clock) -> None:
    bounded = Floods(clock)
    for number in range(3 * floods.MOST_EVENTS):
        assert bounded.filter(logging.LogRecord("lib", logging.ERROR, "", 0, f"text {number}", (), None))
    assert floods.MOST_EVENTS == len(bounded._periods)


class Broken:
    """A parser with a fault of ours on every line."""

    def parse(self, lines: Lines) -> ParsedLines:
        raise ZeroDivisionError(len(lines.data))


def test_a_parser_that_fails_on_every_line_writes_little_of_it(clock: Clock) -> None:
    stream = io.StringIO()
    logs.set_up(LogSettings(), (), stream)
    data = b"x\n" * 1000
    at = Checkpoint(1, "edge", "/x", 1, 1, 0, EMPTY, 0, 0, EMPTY, 0, GenerationState.ACTIVE)

    batch = judged(Lines("edge", data, Move(0, at)), Format(Broken()))

    assert 1000 == sum(batch.parsed.reject_counts.values())
    assert MOST == len(said(stream))
    assert len(stream.getvalue()) < 200_000


def test_a_full_disk_below_our_own_log_stops_nothing_and_is_forgotten_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", 1) as disk, (disk.folder / "own.log").open("w", buffering=1) as stream:
        logs.set_up(LogSettings(), (), stream)
        structlog.get_logger("part").info("before")
        disk.fill()
        for number in range(MOST):
            structlog.get_logger("part").info("meanwhile", text="x" * 1000, number=number)
        with pytest.raises(OSError, match="No space"):
            (disk.folder / "witness").write_bytes(b"x" * 100_000)
        disk.free()
        structlog.get_logger("part").info("after")

        words = (disk.folder / "own.log").read_text()
    assert "before" in words
    assert "after" in words
