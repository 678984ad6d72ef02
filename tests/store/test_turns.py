"""Turns are taken in the order of arrival, so that nobody who deletes all day keeps the ingest out."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from log_sentinel.store.appending import append
from log_sentinel.store.retention import sweep
from log_sentinel.store.settings import RetentionSettings
from log_sentinel.store.turns import Turns
from tests.store.commits import TEN, Log, denial, parsed

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database


def test_turns_come_in_the_order_of_asking_and_whoever_asks_again_waits_for_all_before() -> None:
    turns, order = Turns(), []

    def wait_for_a_turn(name: str) -> None:
        with turns:
            order.append(name)

    waiters = [threading.Thread(target=wait_for_a_turn, args=(name,)) for name in ("first", "second", "third")]
    with turns:
        for place, waiter in enumerate(waiters, start=1):
            waiter.start()
            while len(turns._waiting) < place:
                pass
    for _ in range(2):
        with turns:
            order.append("holder")
    for waiter in waiters:
        waiter.join()
    assert order == ["first", "second", "third", "holder", "holder"]


def test_an_error_in_a_turn_lets_the_next_one_in() -> None:
    turns = Turns()

    def fail_in_a_turn() -> None:
        with turns:
            raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            fail_in_a_turn()


def test_the_ingest_goes_on_between_the_deletes_of_a_large_retention(database: Database) -> None:
    log = Log(database)
    old = [denial(number, time=TEN.replace(year=2025)) for number in range(6000)]
    append(database, log.commit(parsed(old), to=600_000), now=TEN)
    deleted: list[int] = []
    sweeping = threading.Thread(
        target=lambda: deleted.append(sweep(database, RetentionSettings(batch=10), TEN)["denials"])
    )
    sweeping.start()
    commits_meanwhile = 0
    while sweeping.is_alive():
        number = log.at.offset // 100
        append(database, log.commit(parsed([denial(number, time=TEN)]), to=log.at.offset + 100), now=TEN)
        commits_meanwhile += sweeping.is_alive()
    sweeping.join()
    assert deleted == [6000]
    assert commits_meanwhile >= 1
