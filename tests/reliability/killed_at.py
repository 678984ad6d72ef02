"""`python -m tests.reliability.killed_at URL LOG STEP`: follows LOG into the database, and is killed at STEP.

STEP is "before" or "after", a dot, and a name of STEPS. Batches are small, so that there are many of each step.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from log_sentinel.daemon import ingest as ingesting
from log_sentinel.daemon.ingest import Ingest, Reading
from log_sentinel.daemon.patience import Patience, PatientCheckpoints
from log_sentinel.daemon.tally import Tally
from log_sentinel.sources.following import Following
from log_sentinel.sources.settings import FileSource
from log_sentinel.sources.succession import Succession
from log_sentinel.sources.tailer import FileTail
from log_sentinel.store import appending, bulk
from log_sentinel.store.engine import open_database
from log_sentinel.store.generations import StoredCheckpoints
from log_sentinel.store.owner import own
from log_sentinel.store.settings import DatabaseSettings
from tests.reliability.logs import INSTANCE, choose

if TYPE_CHECKING:
    from collections.abc import Callable

# Where it can be killed: whose attribute, and at which call
STEPS: dict[str, tuple[Any, str, int]] = {
    "reading": (Following, "read", 3),
    "parsing": (ingesting, "judged", 2),
    "moving the checkpoint": (appending, "move", 2),
    "inserting rows": (bulk, "insert", 2),
    "adding counts": (bulk, "add", 4),
    "the commit": (appending, "append", 2),
    "beginning a generation": (StoredCheckpoints, "begin", 1),
    "finishing a generation": (Succession, "_last_step", 1),
}
CHUNK_BYTES = 4000


class Hurry:
    """Wake-ups that hardly wait, and end the reading when all is stored."""

    def __init__(self) -> None:
        self.done: Callable[[], bool] = lambda: False
        self.ended = threading.Event()
        self._pause = threading.Event()

    def wait(self, timeout: float) -> None:
        if self.done():
            self.ended.set()
        self._pause.wait(min(timeout, 0.01))

    def wake(self) -> None: ...

    def watch(self, folders: object) -> None: ...

    def close(self) -> None: ...


def main(url: str, log: str, step: str) -> None:
    kill_at(step)
    ingesting.CHUNK_BYTES = CHUNK_BYTES
    follow(url, log)


def follow(url: str, log: str) -> None:
    """Follows `log` into the database until all of it is stored, rotated files that are over included."""
    database = open_database(DatabaseSettings(url=SecretStr(url)))
    ownership = own(database, INSTANCE)
    database.take_checkpointing()
    patience, wakeups = Patience(), Hurry()
    settings = FileSource(
        path=log,
        start="beginning",
        poll_every=timedelta(milliseconds=100),
        hold_rotated=timedelta(milliseconds=100),
    )
    tail = FileTail("edge", settings, PatientCheckpoints(StoredCheckpoints(database, INSTANCE), patience))
    ingest = Ingest(
        [Reading(tail, choose())],
        lambda commit: appending.append(database, commit),
        instance=INSTANCE,
        tally=Tally(),
        wakeups=wakeups,
        patience=patience,
    )
    # some more looks after the end, for the last steps of rotated files
    looks = iter(range(40, 0, -1))
    wakeups.done = lambda: ingest.idle and tail.caught_up and next(looks, 0) == 0
    ingest.start()
    while not (wakeups.ended.wait(0.1) or ingest.finished.is_set()):
        pass
    ingest.stop()
    tail.close()
    ownership.release()
    database.close()
    if ingest.failure is not None:
        raise ingest.failure


def kill_at(step: str) -> None:
    when, _, name = step.partition(".")
    owner, attribute, call = STEPS[name]
    real = getattr(owner, attribute)
    calls = count(1)

    def killed(*arguments: Any, **named: Any) -> Any:
        # two threads parse: each has to know which call its own was
        is_the_one = next(calls) == call
        if is_the_one and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = real(*arguments, **named)
        if is_the_one:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(owner, attribute, killed)


if __name__ == "__main__":
    main(*sys.argv[1:])
