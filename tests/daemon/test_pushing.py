"""What is posted, from the source through the pipeline into a real database; several daemons with one database."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from log_sentinel.daemon.ingest import Ingest, Reading
from log_sentinel.daemon.tally import Tally
from log_sentinel.sources.push import Push
from log_sentinel.sources.settings import PushSource
from log_sentinel.store import appending
from log_sentinel.store.generations import StoredCheckpoints, Superseded
from log_sentinel.store.push_seen import unseen
from log_sentinel.store.tables import denials
from tests.daemon.test_ingest import Bell, choose, line, requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from log_sentinel.model.commit import Commit
    from log_sentinel.model.lines import Checkpoint
    from log_sentinel.sources.push import Delivery
    from log_sentinel.store.appending import Appended
    from log_sentinel.store.engine import Database

WITHIN_SECONDS = 30


class Taking:
    """One daemon's push source and its pipeline."""

    def __init__(
        self,
        database: Database,
        instance: str = "one",
        seen: Callable[[Sequence[str]], list[str]] | None = None,
        append: Callable[[Database, Commit], Appended] = appending.append,
    ) -> None:
        bell = Bell()
        checkpoints = StoredCheckpoints(database, instance)
        settings = PushSource(type="push")
        self.push = Push(
            "kong", settings, checkpoints, seen or (lambda names: unseen(database, "kong", names)), bell.wake
        )
        self.tally = Tally()
        self.ingest = Ingest(
            [Reading(self.push, choose("kong"), self.push.committed)],
            lambda commit: append(database, commit),
            instance=instance,
            tally=self.tally,
            wakeups=bell,
            gather_seconds=0.0,
        )

    def post(self, numbers: Sequence[int]) -> Delivery:
        lines = [line(number).encode().rstrip() for number in numbers]
        size = sum(map(len, lines))
        self.push.hold(size)
        return self.push.deliver(lines, size)


@contextmanager
def taking(*many: Taking) -> Iterator[None]:
    with ExitStack() as stack:
        for one in many:
            one.ingest.start()
            stack.callback(one.push.close)
            stack.callback(one.ingest.stop)
        yield


def stored(database: Database) -> int:
    with database.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(denials)) or 0)


def test_two_daemons_that_are_sent_the_same_store_it_once(database: Database) -> None:
    one, other = Taking(database, "one"), Taking(database, "other")
    with taking(one, other):
        answers: list[int] = []

        def send(to: Taking) -> None:
            for first in range(0, 200, 10):
                answers.append(to.post(range(first, first + 10)).stored.result(WITHIN_SECONDS))

        threads = [threading.Thread(target=send, args=(to,)) for to in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [None, None] == [one.ingest.failure, other.ingest.failure]
    assert (200, 200, 40) == (stored(database), requests(database), len(answers))
    assert 200 == sum(answers)


def test_an_entry_that_another_daemon_stored_meanwhile_is_left_out_at_the_second_try(database: Database) -> None:
    first = Taking(database, "first")
    with taking(first):
        first.post([1, 2]).stored.result(WITHIN_SECONDS)
    asked: list[list[str]] = []

    def late(names: Sequence[str]) -> list[str]:
        asked.append(list(names))
        # at the first question nothing of it was stored yet
        return list(names) if len(asked) == 1 else unseen(database, "kong", names)

    second = Taking(database, "second", seen=late)
    with taking(second):
        assert 1 == second.post([1, 2, 3]).stored.result(WITHIN_SECONDS)
    assert (3, 3, 2) == (stored(database), requests(database), len(asked))
    assert (1, 1) == (second.tally.commit_failures, second.tally.rewinds)


def test_nobody_is_answered_while_the_commit_goes_on(database: Database) -> None:
    deliveries: list[Delivery] = []
    answered: list[bool] = []

    def watched(db: Database, commit: Commit) -> Appended:
        answered.extend(one.stored.done() for one in deliveries)
        return appending.append(db, commit)

    one = Taking(database, append=watched)
    deliveries.append(one.post(range(5)))
    with taking(one):
        assert 5 == deliveries[0].stored.result(WITHIN_SECONDS)
    assert [False] == answered


def test_a_commit_nobody_heard_of_is_answered_at_the_second_try(database: Database) -> None:
    tries = 0

    def unheard(db: Database, commit: Commit) -> Appended:
        nonlocal tries
        tries += 1
        appended = appending.append(db, commit)
        if tries == 1:
            # as when the connection breaks after COMMIT was sent, and the same is committed again
            return appending.append(db, commit)
        return appended

    one = Taking(database, append=unheard)
    with taking(one):
        assert 0 == one.post(range(5)).stored.result(WITHIN_SECONDS)
        assert 5 == one.post(range(5, 10)).stored.result(WITHIN_SECONDS)
    assert (10, 10) == (stored(database), requests(database))


def test_a_checkpoint_that_was_moved_while_a_source_read_is_read_again(database: Database) -> None:
    one = Taking(database)
    known, refused = StoredCheckpoints.known, 0

    class Moved(StoredCheckpoints):
        def known(self, source: str) -> list[Checkpoint]:
            nonlocal refused
            if refused < 2:
                refused += 1
                raise Superseded(1, 0, 7)
            return known(self, source)

    one.push = Push("kong", PushSource(type="push"), Moved(database, "one"), list, Bell().wake)
    one.ingest._readings = [Reading(one.push, choose("kong"), one.push.committed)]
    with taking(one):
        assert 3 == one.post(range(3)).stored.result(WITHIN_SECONDS)
    assert (3, 2) == (stored(database), one.tally.rewinds)
