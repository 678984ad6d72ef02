"""Leases: one holder at a time, the database's clock, and a holder that overslept changes nothing."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select, text, update

from log_sentinel.store.leases import LeaseLost, check, give_back, take
from log_sentinel.store.tables import leases, reject_counts
from tests.lengths import times
from tests.store.commits import TEN

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database

LONG = timedelta(minutes=5)


def expire(db: Database) -> None:
    with db.write() as connection:
        connection.execute(update(leases).values(expires_at=TEN.replace(year=2020)))


def work(db: Database, holder: str, epoch: int) -> None:
    with db.write() as connection:
        check(connection, "detect", holder, epoch)
        connection.execute(insert(reject_counts).values(hour=TEN, instance="i", source="s", reason=holder, n=1))


def works_done(db: Database) -> list[str]:
    with db.read() as connection:
        return list(connection.scalars(select(reject_counts.c.reason).order_by(reject_counts.c.reason)))


def test_the_second_gets_nothing_while_the_first_holds_it(database: Database) -> None:
    assert take(database, "detect", "a", LONG) == 1
    assert take(database, "detect", "b", LONG) is None
    assert take(database, "another", "b", LONG) == 1


def test_a_holder_that_takes_it_again_prolongs_it_in_the_same_epoch(database: Database) -> None:
    take(database, "detect", "a", timedelta(seconds=1))
    assert take(database, "detect", "a", LONG) == 1
    assert take(database, "detect", "b", LONG) is None


def test_an_expired_lease_goes_to_the_next_with_a_higher_epoch(database: Database) -> None:
    take(database, "detect", "a", LONG)
    expire(database)
    assert take(database, "detect", "b", LONG) == 2


def test_a_holder_that_overslept_commits_nothing(database: Database) -> None:
    take(database, "detect", "a", LONG)
    expire(database)
    take(database, "detect", "b", LONG)
    with pytest.raises(LeaseLost) as raised:
        work(database, "a", 1)
    assert (raised.value.name, raised.value.holder, raised.value.epoch) == ("detect", "a", 1)
    work(database, "b", 2)
    assert works_done(database) == ["b"]


def test_of_two_that_take_turns_whoever_overslept_commits_nothing_and_each_turn_has_one(database: Database) -> None:
    turns = times(6, 100)
    for turn in range(turns):
        holder, before = ("a", "b") if turn % 2 else ("b", "a")
        assert take(database, "detect", holder, LONG) == turn + 1
        if turn:
            with pytest.raises(LeaseLost):
                work(database, before, turn)
        assert take(database, "detect", before, LONG) is None
        with database.write() as connection:
            check(connection, "detect", holder, turn + 1)
            connection.execute(
                insert(reject_counts).values(hour=TEN, instance="i", source=f"{turn}", reason=holder, n=1)
            )
        expire(database)
    assert works_done(database) == sorted("ba"[turn % 2] for turn in range(turns))


def test_a_lease_that_was_never_taken_holds_nobody(database: Database) -> None:
    with pytest.raises(LeaseLost):
        work(database, "a", 1)
    assert works_done(database) == []


def test_a_lease_given_back_goes_to_the_next_at_once_and_only_its_holder_gives_it_back(database: Database) -> None:
    take(database, "detect", "a", LONG)
    give_back(database, "detect", "b")
    assert take(database, "detect", "b", LONG) is None
    give_back(database, "detect", "a")
    assert take(database, "detect", "b", LONG) == 2


def test_the_databases_clock_decides(database: Database) -> None:
    take(database, "detect", "a", timedelta(seconds=100))
    now = "strftime('%Y-%m-%d %H:%M:%f', 'now')" if database.is_sqlite else "clock_timestamp()"
    with database.read() as connection:
        expires_at = connection.scalar(select(leases.c.expires_at))
        clock = connection.scalar(text(f"SELECT {now} AS now").columns(now=leases.c.expires_at.type))
    assert expires_at is not None
    assert timedelta(seconds=10) < expires_at - clock <= timedelta(seconds=100)


def test_of_many_that_are_the_first_one_gets_it(database: Database) -> None:
    epochs: list[int | None] = []
    together = threading.Barrier(4)

    def ask(holder: str) -> None:
        together.wait()
        epochs.append(take(database, "detect", holder, LONG))

    threads = [threading.Thread(target=ask, args=(holder,)) for holder in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(epochs, key=str) == [1, None, None, None]
