"""A log that is rotated while the database is away: the daemon waits, and nothing of any file is lost."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from log_sentinel.content import shipped
from log_sentinel.daemon.ingest import Ingest, Reading
from log_sentinel.daemon.patience import Patience, PatientCheckpoints
from log_sentinel.daemon.readings import chooser
from log_sentinel.daemon.tally import Tally
from log_sentinel.parsing.compiling import ParseOptions
from log_sentinel.parsing.definitions import load_folders
from log_sentinel.sources.settings import FileSource
from log_sentinel.sources.tailer import FileTail
from log_sentinel.store.appending import append
from log_sentinel.store.engine import DatabaseUnavailable, open_database
from log_sentinel.store.generations import StoredCheckpoints
from log_sentinel.store.settings import DatabaseSettings
from log_sentinel.store.tables import denials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from log_sentinel.model.commit import Commit
    from log_sentinel.model.lines import Checkpoint
    from log_sentinel.store.appending import Appended
    from log_sentinel.store.engine import Database

KNOWN = load_folders([shipped("parsers")])
PATIENCE_SECONDS = 30


def lines(*numbers: int) -> str:
    time = "24/Nov/2026:10:00:00 +0000"
    return "".join(f'192.0.2.7 - - [{time}] "GET /n/{number} HTTP/1.1" 403 9 "-" "t"\n' for number in numbers)


class Line:
    """The line to the database: while it is cut, whoever asks is told so and counted."""

    def __init__(self, database: Database) -> None:
        self.cut = False
        self.refused: list[str] = []
        self._database = database
        self._stored = StoredCheckpoints(database, "test")
        self._asked = threading.Condition()

    def known(self, source: str) -> list[Checkpoint]:
        self._pass("known")
        return self._stored.known(source)

    def begin(self, checkpoint: Checkpoint) -> Checkpoint:
        self._pass("begin")
        return self._stored.begin(checkpoint)

    def mark(self, checkpoint: Checkpoint) -> None:
        self._pass("mark")
        self._stored.mark(checkpoint)

    def append(self, commit: Commit) -> Appended:
        self._pass("append")
        appended = append(self._database, commit)
        with self._asked:
            self._asked.notify_all()
        return appended

    def until(self, met: Callable[[], bool]) -> bool:
        with self._asked:
            return self._asked.wait_for(met, PATIENCE_SECONDS)

    def _pass(self, what: str) -> None:
        with self._asked:
            if self.cut:
                self.refused.append(what)
                self._asked.notify_all()
                raise DatabaseUnavailable("sqlite", "it is away")


class Bell:
    """Wake-ups of a hurried daemon."""

    def __init__(self) -> None:
        self._rung = threading.Event()

    def wait(self, timeout: float) -> None:
        self._rung.wait(min(timeout, 0.01))
        self._rung.clear()

    def wake(self) -> None:
        self._rung.set()

    def watch(self, folders: object) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def line(tmp_path: Path, sqlite_template: Path) -> Iterator[Line]:
    path = tmp_path / "sentinel.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = open_database(DatabaseSettings(url=SecretStr(f"sqlite:///{path}")))
    yield Line(database)
    database.close()


def stored(line: Line) -> list[str]:
    with line._database.read() as connection:
        return sorted(connection.scalars(select(denials.c.path)))


def rename(log: Path) -> None:
    log.rename(log.with_name("access.log.1"))
    log.write_text(lines(4, 5))


def copytruncate(log: Path) -> None:
    log.with_name("access.log.1").write_bytes(log.read_bytes())
    log.write_text(lines(4, 5))


@pytest.mark.parametrize("rotate", [rename, copytruncate], ids=lambda rotate: rotate.__name__)
def test_a_log_rotated_while_the_database_is_away_is_read_whole_when_it_is_back(
    rotate: Callable[[Path], None], line: Line, tmp_path: Path
) -> None:
    log = tmp_path / "logs" / "access.log"
    log.parent.mkdir()
    log.write_text(lines(1))
    patience = Patience()
    settings = FileSource(path=str(log), start="beginning", poll_every=timedelta(milliseconds=100))
    tail = FileTail("edge", settings, PatientCheckpoints(line, patience))
    ingest = Ingest(
        [Reading(tail, chooser("edge", KNOWN, ParseOptions(), format_name="nginx-combined"))],
        line.append,
        instance="test",
        tally=Tally(),
        wakeups=Bell(),
        patience=patience,
    )
    ingest.start()
    try:
        assert line.until(lambda: stored(line) == ["/n/1"])
        line.cut = True
        with log.open("a") as file:
            file.write(lines(2, 3))
        rotate(log)
        assert line.until(lambda: "begin" in line.refused), "nobody asked for a new generation: nothing was broken"
        line.cut = False
        assert line.until(lambda: stored(line) == [f"/n/{number}" for number in range(1, 6)]), stored(line)
        assert ingest.failure is None
        assert not ingest.finished.is_set()
    finally:
        ingest.stop()
        tail.close()


def test_a_daemon_that_waits_for_its_database_in_the_middle_of_a_look_can_be_stopped(line: Line) -> None:
    patience = Patience()
    checkpoints = PatientCheckpoints(line, patience)
    line.cut = True
    failed: list[Exception] = []

    def ask() -> None:
        try:
            checkpoints.known("edge")
        except DatabaseUnavailable as why:
            failed.append(why)

    asking = threading.Thread(target=ask)
    asking.start()
    assert line.until(lambda: line.refused == ["known"])
    patience.stopping.set()
    asking.join(PATIENCE_SECONDS)
    assert not asking.is_alive()
    assert len(failed) == 1
    assert patience.waiting is None
