"""The wall clock jumps for a moment, as a broken time server makes it, and comes back: nobody is told a thing by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from log_sentinel.store import incidents
from tests.daemon.test_tick import Daemon, at
from tests.lengths import times

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_sentinel.store.engine import Database

JUMPS: dict[str, Callable[[datetime], datetime]] = {
    "an hour back": lambda now: now - timedelta(hours=1),
    "an hour ahead": lambda now: now + timedelta(hours=1),
    "to 1970": lambda now: datetime(1970, 1, 1, tzinfo=UTC),
    "to 2038": lambda now: datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
}


@pytest.fixture
def settled(database: Database) -> Daemon:
    daemon = Daemon(database)
    daemon.write(range(-2 * 1440, 0), denied=2)
    daemon.look(0)
    return daemon


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_a_jump_while_lines_come_tells_nothing_and_hides_nothing(
    settled: Daemon, jump: Callable[[datetime], datetime]
) -> None:
    tell_only_what_comes_after(settled, jump, idle=False)


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_a_jump_while_all_is_stored_tells_nothing_and_hides_nothing(
    settled: Daemon, jump: Callable[[datetime], datetime]
) -> None:
    tell_only_what_comes_after(settled, jump, idle=True)


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_a_spike_that_begins_while_the_clock_is_wrong_is_told(
    settled: Daemon, jump: Callable[[datetime], datetime]
) -> None:
    assert settled.live(range(5), denied=2) == []
    settled.idle = True
    settled.passed = 4.9 * 60
    assert settled.tick(jump(at(4.9))) == []
    settled.idle = False
    assert settled.live(range(5, 12), denied=400)[0] == "opened acme"
    (incident,) = incidents.listing(settled.database)
    assert at(5) == incident.since


def test_a_clock_that_jumps_to_and_fro_again_and_again_tells_nothing_and_hides_nothing(settled: Daemon) -> None:
    jumps = cycle((JUMPS["an hour back"], JUMPS["an hour ahead"]))
    turns = times(2, 20)
    for began, jump in zip(range(0, 5 * turns, 5), jumps, strict=False):
        assert settled.live(range(began, began + 5), denied=2) == []
        settled.passed = (began + 4.9) * 60
        assert settled.tick(jump(at(began + 4.9))) == []
    assert settled.live(range(5 * turns, 5 * turns + 6), denied=400)[0] == "opened acme"


def tell_only_what_comes_after(daemon: Daemon, jump: Callable[[datetime], datetime], *, idle: bool) -> None:
    assert daemon.live(range(5), denied=2) == []
    daemon.write(5, denied=2)
    daemon.idle = idle
    assert daemon.look(5.5) == []
    daemon.passed = 5.6 * 60
    assert daemon.tick(jump(at(5.6))) == []
    daemon.idle = False
    assert daemon.live(range(6, 10), denied=2) == []
    assert daemon.live(range(10, 16), denied=400)[0] == "opened acme"
