"""Lines from real files through real parsers into a real database."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from log_sentinel.content import shipped
from log_sentinel.daemon import ingest as ingesting
from log_sentinel.daemon.ingest import Ingest, Reading
from log_sentinel.daemon.readings import chooser
from log_sentinel.daemon.tally import Tally
from log_sentinel.parsing.compiling import ParseOptions
from log_sentinel.parsing.definitions import load_folders
from log_sentinel.sources.once import OncePass
from log_sentinel.sources.settings import FileSource
from log_sentinel.sources.tailer import FileTail
from log_sentinel.store import appending
from log_sentinel.store.engine import DatabaseUnavailable
from log_sentinel.store.generations import StoredCheckpoints, Superseded
from log_sentinel.store.tables import denials, traffic

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from log_sentinel.daemon.judging import Format
    from log_sentinel.model.commit import Commit
    from log_sentinel.store.appending import Appended
    from log_sentinel.store.engine import Database

KNOWN = load_folders([shipped("parsers")])
INSTANCE = "test"


class Bell:
    """Wake-ups that only a test rings."""

    def __init__(self) -> None:
        self._rung = threading.Event()

    def wait(self, timeout: float) -> None:
        self._rung.wait(min(timeout, 0.01))
        self._rung.clear()

    def wake(self) -> None:
        self._rung.set()

    def watch(self, folders: object) -> None: ...

    def close(self) -> None: ...


def line(number: int, status: int = 403) -> str:
    time = f"24/Nov/2026:10:00:{number % 60:02} +0000"
    return f'192.0.2.{number % 250} - - [{time}] "GET /n/{number} HTTP/1.1" {status} 9 "-" "t"\n'


def choose(name: str = "edge") -> Callable[[bytes], Format | None]:
    return chooser(name, KNOWN, ParseOptions())


def stored(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.scalars(select(denials.c.path).order_by(denials.c.path)))


def requests(database: Database) -> int:
    with database.read() as connection:
        return int(connection.scalar(select(func.sum(traffic.c.n))) or 0)


class Running:
    """An Ingest over one followed file, with a way to wait for what it has committed."""

    def __init__(
        self, database: Database, path: Path, append: Callable[[Database, Commit], Appended] | None = None
    ) -> None:
        self.tally = Tally()
        self._committed = threading.Condition()
        self._append = append or appending.append
        source = FileTail("edge", FileSource(path=str(path), start="beginning"), StoredCheckpoints(database, INSTANCE))
        self.reading = Reading(source, choose())
        self.ingest = Ingest(
            [self.reading],
            lambda commit: self._told(database, commit),
            instance=INSTANCE,
            tally=self.tally,
            wakeups=Bell(),
        )

    def _told(self, database: Database, commit: Commit) -> Appended:
        try:
            return self._append(database, commit)
        finally:
            with self._committed:
                self._committed.notify_all()

    def until(self, met: Callable[[], bool]) -> None:
        with self._committed:
            assert self._committed.wait_for(met, timeout=30)

    def __enter__(self) -> Running:
        self.ingest.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ingest.stop()
        self.reading.source.close()


def test_lines_appended_to_a_followed_file_are_stored_once(database: Database, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(line(n) for n in range(100, 150)))
    with Running(database, log) as running:
        running.until(lambda: len(stored(database)) == 50)
        with log.open("a") as file:
            file.writelines(line(n) for n in range(150, 200))
        running.until(lambda: len(stored(database)) == 100)

    assert stored(database) == [f"/n/{n}" for n in range(100, 200)]
    assert running.tally.source("edge").lines == 100
    assert running.tally.duplicates == 0


def test_where_nearly_all_is_denied_less_is_read_at_a_time_so_that_memory_does_not_grow_with_the_denials(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("BATCH_ROWS", 100), ("COMMIT_ROWS", 100), ("FIRST_BYTES", 2_000), ("LEAST_BYTES", 1_000)):
        monkeypatch.setattr(ingesting, name, value)
    log = tmp_path / "access.log"
    log.write_text("".join(line(n) for n in range(3_000)))
    rows: list[int] = []

    def append(database: Database, commit: Commit) -> Appended:
        rows.append(sum(batch.parsed.denials.height for batch in commit.batches))
        return appending.append(database, commit)

    with Running(database, log, append) as running:
        running.until(lambda: len(stored(database)) == 3_000)

    assert sum(rows) == 3_000
    assert max(rows) < 2 * 110
    assert max(rows) > 50


def test_where_little_is_denied_much_is_read_at_a_time(database: Database, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(line(n, status=200) for n in range(5_000)))
    running = Running(database, log)
    assert running.reading.most_bytes == ingesting.FIRST_BYTES
    with running:
        running.until(lambda: requests(database) == 5_000)

    assert running.reading.most_bytes == ingesting.CHUNK_BYTES


def test_a_second_start_goes_on_where_the_first_one_stopped(database: Database, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(line(n) for n in range(100, 150)))
    with Running(database, log) as running:
        running.until(lambda: len(stored(database)) == 50)
    with log.open("a") as file:
        file.writelines(line(n) for n in range(150, 200))
    with Running(database, log) as running:
        running.until(lambda: len(stored(database)) == 100)

    assert requests(database) == 100


def test_a_commit_that_somebody_overtook_is_read_again_from_the_database(database: Database, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(line(n) for n in range(100, 150)))
    refused: list[Commit] = []

    def overtaken_once(database: Database, commit: Commit) -> Appended:
        if not refused:
            refused.append(commit)
            raise Superseded(commit.batches[0].move.to.generation, 0, 17)
        return appending.append(database, commit)

    with Running(database, log, overtaken_once) as running:
        running.until(lambda: len(stored(database)) == 50)

    assert running.tally.rewinds == 1
    assert requests(database) == 50


def test_an_answer_lost_after_the_commit_stores_nothing_twice(database: Database, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(line(n) for n in range(100, 150)))
    lost: list[Commit] = []

    def answer_lost_once(database: Database, commit: Commit) -> Appended:
        appended = appending.append(database, commit)
        if not lost:
            lost.append(commit)
            raise DatabaseUnavailable(database.redacted_url, "the connection broke")
        return appended

    with Running(database, log, answer_lost_once) as running:
        with log.open("a") as file:
            file.writelines(line(n) for n in range(150, 200))
        running.until(lambda: len(stored(database)) == 100)

    assert requests(database) == 100


def test_while_the_database_is_gone_lines_wait_in_the_file(database: Database, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(line(n) for n in range(100, 150)))
    tries: list[str | None] = []

    def gone_twice(database: Database, commit: Commit) -> Appended:
        tries.append(running.ingest.waiting_for_database)
        if len(tries) < 3:
            raise DatabaseUnavailable(database.redacted_url, "nobody answers")
        return appending.append(database, commit)

    running = Running(database, log, gone_twice)
    with running:
        running.until(lambda: len(stored(database)) == 50)

    assert tries[0] is None
    assert "nobody answers" in (tries[1] or "")
    assert running.ingest.waiting_for_database is None


def test_a_source_of_no_known_format_keeps_its_lines_until_there_are_some_it_knows(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("log_sentinel.daemon.ingest.UNKNOWN_FORMAT_SECONDS", 0.01)
    log = tmp_path / "access.log"
    log.write_text("this is no log\n")
    with Running(database, log) as running:
        with log.open("a") as file:
            file.writelines(line(n) for n in range(100, 150))
        running.until(lambda: len(stored(database)) == 50)

    assert running.tally.source("edge").rejects.total() == 1


ODD_BEGINNINGS = {
    "a line longer than any may be": b"x" * (3 << 20) + b"\n",
    "a hole of NUL bytes": b"\0" * (5 << 20),
    "a byte order mark": b"\xef\xbb\xbf",
}


@pytest.mark.parametrize("beginning", ODD_BEGINNINGS)
def test_a_file_that_begins_with_bytes_of_no_line_is_recognised_by_the_lines_behind_them(
    beginning: str, database: Database, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(ODD_BEGINNINGS[beginning] + "".join(line(n) for n in range(100, 150)).encode())

    with Running(database, log) as running:
        running.until(lambda: len(stored(database)) == 50)
    ingest, counted = one_pass(database, log)

    assert (ingest.failure, counted.lines) == (None, 0)
    assert requests(database) == 50


@pytest.mark.parametrize("beginning", ODD_BEGINNINGS)
def test_one_pass_does_not_end_at_bytes_of_no_line(beginning: str, database: Database, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(ODD_BEGINNINGS[beginning] + "".join(line(n) for n in range(100, 150)).encode())

    ingest, counted = one_pass(database, log)

    assert (ingest.failure, counted.denials) == (None, 50)


def one_pass(
    database: Database, path: Path, append: Callable[[Commit], Appended] | None = None
) -> tuple[Ingest, Tally]:
    tally = Tally()
    source = OncePass("edge", str(path), StoredCheckpoints(database, INSTANCE))
    ingest = Ingest(
        [Reading(source, choose())],
        append or (lambda commit: appending.append(database, commit)),
        instance=INSTANCE,
        tally=tally,
    )
    ingest.start()
    assert ingest.finished.wait(60)
    ingest.stop()
    source.close()
    return ingest, tally


def test_one_pass_ends_with_the_file_and_a_second_one_adds_nothing(database: Database, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(line(n, 200 if n % 2 else 403) for n in range(1000, 21000)) + line(21000).rstrip("\n"))

    first, counted = one_pass(database, log)
    second, again = one_pass(database, log)

    assert (first.failure, second.failure) == (None, None)
    assert (counted.lines, counted.denials) == (20001, 10001)
    assert (again.lines, again.denials) == (0, 0)
    assert (len(stored(database)), requests(database)) == (10001, 20001)


def test_one_pass_without_its_database_ends_and_says_why(database: Database, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(line(1))

    def gone(_: Commit) -> Appended:
        raise DatabaseUnavailable(database.redacted_url, "nobody answers")

    ingest, _ = one_pass(database, log, gone)

    assert isinstance(ingest.failure, DatabaseUnavailable)


def test_a_fault_of_ours_while_committing_ends_the_ingest_loudly(database: Database, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(line(1))

    def wrong(database: Database, commit: Commit) -> Appended:
        raise ZeroDivisionError

    running = Running(database, log, wrong)
    with running:
        assert running.ingest.finished.wait(30)

    assert isinstance(running.ingest.failure, ZeroDivisionError)
