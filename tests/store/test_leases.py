"""Leases: one holder, the database's clock, and a holder that overslept changes nothing."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select, text, update

from log_sentinel.store.leases import Lease, LeaseHeld, LeaseLost, fence, release, renew, take
from log_sentinel.store.tables import leases, reject_counts
from tests.store.commits import TEN

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database

LONG = timedelta(minutes=5)


def expire(db: Database) -> None:
    with db.write() as connection:
        connection.execute(update(leases).values(expires_at=TEN.replace(year=2020)))


def work_under(db: Database, lease: Lease, reason: str) -> None:
    with db.write() as connection:
        fence(connection, lease)
        connection.execute(insert(reject_counts).values(hour=TEN, instance="i", source="s", reason=reason, n=1))


def works_done(db: Database) -> list[str]:
    with db.read() as connection:
        return list(connection.scalars(select(reject_counts.c.reason).order_by(reject_counts.c.reason)))


def test_the_second_is_told_who_holds_it_and_until_when(database: Database) -> None:
    take(database, "detect", "a", LONG)
    with pytest.raises(LeaseHeld) as raised:
        take(database, "detect", "b", LONG)
    with database.read() as connection:
        assert connection.scalar(select(leases.c.expires_at)) == raised.value.until
    assert raised.value.holder == "a"
    assert str(raised.value) == f"lease detect: held by a until {raised.value.until:%H:%M:%S} UTC"


def test_an_expired_lease_goes_to_the_next_with_a_higher_epoch(database: Database) -> None:
    first = take(database, "detect", "a", LONG)
    expire(database)
    second = take(database, "detect", "b", LONG)
    assert (first.epoch, second.epoch) == (1, 2)


def test_a_holder_that_overslept_commits_nothing(database: Database) -> None:
    slept = take(database, "detect", "a", LONG)
    expire(database)
    awake = take(database, "detect", "b", LONG)
    with pytest.raises(LeaseLost) as raised:
        work_under(database, slept, "slept")
    assert raised.value.lease == slept
    work_under(database, awake, "awake")
    assert works_done(database) == ["awake"]


def test_an_expired_lease_is_of_no_use_even_if_nobody_took_it(database: Database) -> None:
    lease = take(database, "detect", "a", LONG)
    expire(database)
    with pytest.raises(LeaseLost):
        work_under(database, lease, "late")
    with pytest.raises(LeaseLost):
        renew(database, lease, LONG)
    assert works_done(database) == []


def test_a_restarted_holder_takes_its_own_lease_and_fences_its_former_self_off(database: Database) -> None:
    former = take(database, "detect", "a", LONG)
    work_under(database, take(database, "detect", "a", LONG), "restarted")
    with pytest.raises(LeaseLost):
        work_under(database, former, "former")
    assert works_done(database) == ["restarted"]


def test_renewing_holds_on_and_releasing_lets_the_next_in_at_once(database: Database) -> None:
    lease = take(database, "detect", "a", timedelta(seconds=30))
    renew(database, lease, LONG)
    with pytest.raises(LeaseHeld):
        take(database, "detect", "b", LONG)
    release(database, lease)
    next_ = take(database, "detect", "b", LONG)
    release(database, lease)
    work_under(database, next_, "next")
    assert works_done(database) == ["next"]


def test_the_databases_clock_decides(database: Database) -> None:
    take(database, "detect", "a", timedelta(seconds=100))
    now = "strftime('%Y-%m-%d %H:%M:%f', 'now')" if database.is_sqlite else "clock_timestamp()"
    with database.read() as connection:
        expires_at = connection.scalar(select(leases.c.expires_at))
        clock = connection.scalar(text(f"SELECT {now} AS now").columns(now=leases.c.expires_at.type))
    assert expires_at is not None
    assert timedelta(seconds=10) < expires_at - clock <= timedelta(seconds=100)


def test_of_many_that_ask_at_once_one_gets_it(database: Database) -> None:
    outcomes: list[str] = []

    def ask(holder: str) -> None:
        try:
            outcomes.append(f"taken by {take(database, 'detect', holder, LONG).holder}")
        except LeaseHeld as held:
            outcomes.append(f"held by {held.holder}")

    threads = [threading.Thread(target=ask, args=(holder,)) for holder in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = next(outcome for outcome in outcomes if outcome.startswith("taken"))[-1]
    assert sorted(outcomes) == [*[f"held by {winner}"] * 3, f"taken by {winner}"]
