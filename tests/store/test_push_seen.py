"""Pushed entries: a retry adds nothing to any table, whoever is faster."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from log_sentinel.store.appending import AlreadySeen, append
from log_sentinel.store.push_seen import unseen
from tests.store.commits import Log, denial, parsed
from tests.store.test_appending import everything

if TYPE_CHECKING:
    from log_sentinel.model.commit import Commit
    from log_sentinel.store.engine import Database


def pushed(commit: Commit, *entries: str) -> Commit:
    return replace(commit, batches=(replace(commit.batches[0], entries=entries),))


def test_entries_that_were_committed_are_left_out_of_what_is_new(database: Database) -> None:
    log = Log(database, "kong")
    append(database, pushed(log.commit(parsed([denial(0)]), to=100), "a", "b"))
    assert unseen(database, "kong", ["c", "b", "a", "c", "d"]) == ["c", "d"]
    assert unseen(database, "another", ["a"]) == ["a"]


def test_a_retry_that_overtook_the_first_try_is_refused_and_nothing_is_counted_twice(database: Database) -> None:
    log = Log(database, "kong")
    append(database, pushed(log.commit(parsed([denial(0)]), to=100), "a", "b"))
    before = everything(database)
    with pytest.raises(AlreadySeen) as raised:
        append(database, pushed(log.commit(parsed([denial(1), denial(2)]), to=300), "b", "c"))
    assert (raised.value.source, raised.value.entries) == ("kong", frozenset({"b"}))
    assert before == everything(database)
    assert unseen(database, "kong", ["c"]) == ["c"]


def test_two_retries_at_once_are_stored_once(database: Database) -> None:
    logs = [Log(database, "kong", inode=number) for number in range(4)]
    commits = [pushed(log.commit(parsed([denial(0)]), to=100), "a", "b", "c") for log in logs]
    outcomes: list[str] = []

    def commit(one: Commit) -> None:
        try:
            append(database, one)
            outcomes.append("stored")
        except AlreadySeen:
            outcomes.append("seen")

    threads = [threading.Thread(target=commit, args=(one,)) for one in commits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["seen", "seen", "seen", "stored"]
    assert everything(database)["denials"] == 1


def test_names_of_any_length_and_letters_are_remembered(database: Database) -> None:
    names = ["", "x" * 10_000, "x" * 10_001, "\x00", "ü" * 3000]
    log = Log(database, "kong")
    append(database, pushed(log.commit(parsed([]), to=1), *names))
    assert unseen(database, "kong", [*names, "new"]) == ["new"]


def test_more_names_than_a_statement_takes_are_remembered(database: Database) -> None:
    names = [f"entry {number}" for number in range(25_000)]
    log = Log(database, "kong")
    append(database, pushed(log.commit(parsed([]), to=1), *names))
    assert unseen(database, "kong", [*names, "new"]) == ["new"]
