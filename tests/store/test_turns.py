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


def test_whoever_lets_go_and_asks_again_waits_for_those_who_came_before() -> None:
    turns, order = Turns(), []
    queued = threading.Event()

    def wait_for_a_turn() -> None:
        queued.set()
        with turns:
            order.append("waiter")

    waiter = threading.Thread(target=wait_for_a_turn)
    with turns:
        waiter.start()
        queued.wait()
        while not turns._waiting:
            pass
    for _ in range(3):
        with turns:
            order.append("holder")
    waiter.join()
    assert order == ["waiter", "holder", "holder", "holder"]


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
        target=lambda: deleted.append(sweep(database, RetentionSettings(batch=20), TEN)["denials"])
    )
    sweeping.start()
    commits_meanwhile = 0
    while sweeping.is_alive():
        number = log.at.offset // 100
        append(database, log.commit(parsed([denial(number, time=TEN)]), to=log.at.offset + 100), now=TEN)
        commits_meanwhile += sweeping.is_alive()
    sweeping.join()
    assert deleted == [6000]
    assert commits_meanwhile > 10
