"""SQLite under faults: full, read-only, locked, damaged, outgrown. Each test sees that the fault really happened."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, text

from log_sentinel.store import sqlite_engine
from log_sentinel.store.appending import Superseded, append
from log_sentinel.store.engine import Database, open_database
from log_sentinel.store.faults import DatabaseBroken, DatabaseUnavailable
from log_sentinel.store.generations import StoredCheckpoints
from log_sentinel.store.integrity import check_at_start, problems
from log_sentinel.store.migrating import backup, current, upgrade
from log_sentinel.store.room import BALLAST_BYTES, MEGABYTE
from log_sentinel.store.settings import DatabaseSettings
from log_sentinel.store.tables import denials
from tests.lengths import times
from tests.store.commits import LINE_BYTES, Log, denial, parsed
from tests.store.in_step import lines_in_step
from tests.store.small_disk import SmallDisk, small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_sentinel.model.commit import Commit


def opened(path: Path, min_free_mb: int = 0) -> Database:
    return open_database(DatabaseSettings(url=SecretStr(f"sqlite:///{path}"), min_free_mb=min_free_mb))


def next_commit(log: Log, lines: int = 200) -> Commit:
    first = log.at.offset // LINE_BYTES
    rows = [denial(number, path="/" + "x" * 1000) for number in range(first, first + lines)]
    return log.commit(parsed(rows), to=(first + lines) * LINE_BYTES)


def rewound(db: Database, log: Log) -> None:
    """As a source does after a commit that did not go through: back to what the database says."""
    log.at = StoredCheckpoints(db, "edge-1").known("edge")[0]


# Full


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", megabytes=80) as disk:
        yield disk


@pytest.fixture
def on_small_disk(disk: SmallDisk, sqlite_template: Path) -> Iterator[Database]:
    """A database whose ingest stops at 8 MB, with its ballast set aside."""
    shutil.copy(sqlite_template, disk.folder / "sentinel.db")
    db = opened(disk.folder / "sentinel.db", min_free_mb=8)
    db.take_checkpointing()
    yield db
    db.close()


def test_the_ingest_stops_before_the_disk_is_full_and_goes_on_by_itself(
    on_small_disk: Database, disk: SmallDisk
) -> None:
    log = Log(on_small_disk)
    append(on_small_disk, next_commit(log))
    for turn in range(times(1, 10)):
        disk.fill(leave=7 * MEGABYTE)
        with pytest.raises(DatabaseUnavailable) as raised:
            append(on_small_disk, next_commit(log))
        assert raised.value.reason.endswith(
            " MB are free on its disk; reading goes on at 8 MB. "
            "Free some space; nothing is lost, the log files keep the lines."
        )
        with on_small_disk.write() as connection:
            connection.execute(
                text(f"INSERT INTO reject_counts VALUES ('2026-11-24 10:00:00.000', 'i', 's', '{turn}', 1)")
            )
        disk.free()
        rewound(on_small_disk, log)
        append(on_small_disk, next_commit(log))
        assert lines_in_step(on_small_disk) == 200 * (turn + 2)


def test_a_disk_that_fills_during_a_commit_undoes_it_and_the_ballast_makes_room(
    on_small_disk: Database, disk: SmallDisk
) -> None:
    ballast = disk.folder / "sentinel.db.ballast"
    assert ballast.stat().st_size == BALLAST_BYTES
    log = Log(on_small_disk)
    append(on_small_disk, next_commit(log))
    on_small_disk.room.floor_bytes = 0
    disk.fill(leave=100_000)
    with pytest.raises(DatabaseUnavailable, match="the disk is full"):
        append(on_small_disk, next_commit(log, lines=5000))
    assert not ballast.exists()
    assert lines_in_step(on_small_disk) == 200
    rewound(on_small_disk, log)
    append(on_small_disk, next_commit(log))
    assert lines_in_step(on_small_disk) == 400
    assert problems(on_small_disk, 10) == ()


def test_the_ballast_is_set_aside_again_when_there_is_room(on_small_disk: Database, disk: SmallDisk) -> None:
    room = on_small_disk.room
    assert room.drop_ballast()
    disk.fill(leave=20 * MEGABYTE)
    room.keep_ballast()
    assert not room.drop_ballast()
    disk.free()
    room.keep_ballast()
    assert room.drop_ballast()


# Read-only


def test_a_read_only_disk_is_said_at_the_start(disk: SmallDisk, sqlite_template: Path) -> None:
    path = disk.folder / "sentinel.db"
    shutil.copy(sqlite_template, path)
    disk.remount("ro")
    with pytest.raises(DatabaseBroken) as raised:
        upgrade(opened(path))
    assert raised.value.reason in {
        "cannot be written. See that the file, its folder and the file system are writable for this user.",
        "cannot be opened. See that its folder exists and belongs to this user.",
    }
    disk.remount("rw")
    db = opened(path)
    assert upgrade(db) == ()
    db.close()


def test_a_file_that_turns_read_only_while_it_is_written_is_said_and_the_lines_wait(sqlite: Database) -> None:
    assert sqlite.path is not None
    files = (sqlite.path, sqlite.path.with_name("sentinel.db-wal"))
    log = Log(sqlite)
    append(sqlite, next_commit(log))
    with unchangeable(*files):
        with pytest.raises(DatabaseUnavailable, match="the disk failed to read or write"):
            append(sqlite, next_commit(log))
        assert lines_in_step(sqlite) == 200
    rewound(sqlite, log)
    append(sqlite, next_commit(log))
    assert lines_in_step(sqlite) == 400


@contextmanager
def unchangeable(*files: Path) -> Iterator[None]:
    """Whoever has them open cannot write any more: what a disk is that the kernel makes read-only after an error."""
    if (made := subprocess.run(["chattr", "+i", *files], check=False, capture_output=True, text=True)).returncode:
        pytest.skip(f"files cannot be made unchangeable here (root may, on ext4): {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *files], check=True)


# Locked

HOLDING_A_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


def test_a_lock_of_another_process_is_waited_for_then_said_and_no_line_is_lost(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_engine, "LOCK_WAIT_SECONDS", 0.2)
    shutil.copy(sqlite_template, tmp_path / "sentinel.db")
    db = opened(tmp_path / "sentinel.db")
    log = Log(db)
    append(db, next_commit(log))
    for stored in range(200, 200 * times(2, 11), 200):
        other = subprocess.Popen(
            [sys.executable, "-c", HOLDING_A_LOCK, tmp_path / "sentinel.db"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(DatabaseUnavailable, match="locked by another process for longer than we wait"):
            append(db, next_commit(log))
        assert lines_in_step(db) == stored
        other.communicate()
        rewound(db, log)
        append(db, next_commit(log))
        assert lines_in_step(db) == stored + 200
    db.close()


def test_a_read_that_turns_into_a_write_cannot_be_overtaken(sqlite: Database) -> None:
    """Begun as a mere read it would fail at once, whatever the busy timeout, when another wrote in between."""
    assert sqlite.path is not None
    log = Log(sqlite)
    other = sqlite3.connect(sqlite.path, timeout=0, isolation_level=None)
    with closing(other), sqlite.write() as connection:
        assert connection.scalar(select(func.count()).select_from(denials)) == 0
        with pytest.raises(sqlite3.OperationalError, match="database is locked"):
            other.execute("UPDATE generations SET offset = offset + 1")
        connection.execute(text("UPDATE generations SET size_seen = 7"))
    rewound(sqlite, log)
    assert (log.at.offset, log.at.size_seen) == (0, 7)


# Outgrown


def test_a_wal_that_grew_under_a_long_reader_is_emptied_when_it_is_gone(sqlite: Database) -> None:
    sqlite.take_checkpointing()
    log = Log(sqlite)
    with sqlite.read() as reader:
        assert reader.scalar(select(func.count()).select_from(denials)) == 0
        for _ in range(40):
            append(sqlite, next_commit(log, lines=500))
        grown = sqlite.wal_bytes()
        assert grown > 1.5 * sqlite_engine.CHECKPOINT_PAGES * 4096, "the reader held nothing back"
        assert not sqlite.shrink_wal()
        assert reader.scalar(select(func.count()).select_from(denials)) == 0
    assert sqlite.shrink_wal()
    assert sqlite.wal_bytes() == 0
    assert lines_in_step(sqlite) == 20_000


def opened_for_writing(number: str) -> bool:
    flags = Path(f"/proc/self/fdinfo/{number}").read_text().split("flags:")[1].split()[0]
    return bool(int(flags, 8) & os.O_ACCMODE)


def test_one_connection_of_the_process_can_write_the_file(sqlite: Database) -> None:
    assert sqlite.path is not None
    append(sqlite, next_commit(Log(sqlite)))
    with sqlite.read() as first, sqlite.read() as second:
        for connection in (first, second):
            connection.execute(text("SELECT 1"))
        writable = [
            number
            for number in Path("/proc/self/fd").iterdir()
            if number.exists() and number.samefile(sqlite.path) and opened_for_writing(number.name)
        ]
    assert len(writable) == 1


# Damaged


@pytest.fixture
def filled(sqlite_template: Path, tmp_path: Path) -> Path:
    """A closed database file of some hundred pages."""
    path = tmp_path / "filled.db"
    shutil.copy(sqlite_template, path)
    db = opened(path)
    append(db, next_commit(Log(db), lines=1000))
    db.close()
    return path


def said_damaged(path: Path) -> bool:
    """Whether the start says that the file is damaged, or of another kind, or without its tables."""
    db = None
    try:
        db = opened(path)
        check_at_start(db)
        current(db)
    except DatabaseBroken:
        return True
    finally:
        if db is not None:
            db.close()
    return False


def test_a_damaged_file_is_found_at_the_start_or_does_no_harm_and_is_never_made_anew(
    filled: Path, tmp_path: Path
) -> None:
    whole = filled.read_bytes()
    chance = random.Random(20261124)
    found = 0
    copies = 60
    for number in range(copies):
        damaged = bytearray(whole)
        page = chance.randrange(len(whole) // 4096) * 4096
        for _ in range(32):
            damaged[page + chance.randrange(120)] ^= 1 << chance.randrange(8)
        path = tmp_path / f"damaged-{number}.db"
        path.write_bytes(damaged)
        found += said_damaged(path)
        assert path.read_bytes() == damaged
        path.unlink()
    assert found > copies * 0.8


def test_a_file_cut_short_is_found_at_the_start(filled: Path) -> None:
    with filled.open("r+b") as file:
        file.truncate(filled.stat().st_size // 2)
    with pytest.raises(DatabaseBroken, match=r"the file is damaged.*Keep a copy of it|the file is damaged"):
        check_at_start(opened(filled))


def test_damage_that_shows_while_running_is_said_and_nothing_is_written_over_it(filled: Path) -> None:
    db = opened(filled)
    log = Log(db, inode=2)
    db.close()
    with closing(sqlite3.connect(filled)) as connection:
        root = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'uq_denials_generation_origin_offset' "
            "OR (tbl_name = 'denials' AND name LIKE 'sqlite_autoindex%')"
        ).fetchone()[0]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with filled.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    db = opened(filled)
    with pytest.raises(DatabaseBroken, match="the file is damaged"):
        append(db, next_commit(log))
    assert StoredCheckpoints(db, "edge-1").known("edge")[1].offset == 0
    db.close()


def test_a_backup_put_back_is_read_on_from_where_it_was_taken(sqlite: Database, tmp_path: Path) -> None:
    log = Log(sqlite)
    append(sqlite, next_commit(log))
    backup(sqlite, tmp_path / "backup.db")
    append(sqlite, next_commit(log))
    in_flight = next_commit(log)
    sqlite.close()
    restored = opened(tmp_path / "backup.db")
    with pytest.raises(Superseded) as raised:
        append(restored, in_flight)
    assert (raised.value.expected, raised.value.found) == (400 * LINE_BYTES, 200 * LINE_BYTES)
    rewound(restored, log)
    append(restored, next_commit(log))
    append(restored, next_commit(log))
    assert lines_in_step(restored) == 600
    restored.close()


def test_a_power_cut_at_any_byte_of_the_wal_leaves_rows_and_checkpoint_in_step(
    sqlite: Database, tmp_path: Path
) -> None:
    """What was not yet on the disk is gone, lines and checkpoint together, and will be read again."""
    assert sqlite.path is not None
    log = Log(sqlite)
    for _ in range(12):
        append(sqlite, next_commit(log, lines=30))
    wal = sqlite.path.with_name("sentinel.db-wal").read_bytes()
    chance = random.Random(20261124)
    reached = []
    for number, kept in enumerate(sorted(chance.randrange(len(wal)) for _ in range(times(40, 10_000)))):
        cut = tmp_path / f"cut-{number}.db"
        shutil.copy(sqlite.path, cut)
        cut.with_name(f"{cut.name}-wal").write_bytes(wal[:kept])
        db = opened(cut)
        generations = StoredCheckpoints(db, "edge-1").known("edge")
        reached.append(lines_in_step(db) if generations else 0)
        assert problems(db, 10) == ()
        db.close()
    assert reached == sorted(reached)
    assert {0, 330} <= set(reached), "the cuts did not reach from the first commit to the last"
    assert len(set(reached)) > 8


# Killed while migrating

MIGRATING = """
import os, signal, sys
from pydantic import SecretStr
from sqlalchemy import event
from log_sentinel.store.engine import open_database
from log_sentinel.store.migrating import upgrade
from log_sentinel.store.settings import DatabaseSettings

db = open_database(DatabaseSettings(url=SecretStr(sys.argv[1])))
left = int(sys.argv[2])

@event.listens_for(db._writer, "after_cursor_execute")
def count(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

upgrade(db)
"""


@pytest.mark.parametrize("statement", [3, 9, 17, 31, 44])
def test_an_upgrade_killed_at_a_statement_leaves_no_table_behind(statement: int, bare_database: Database) -> None:
    url = bare_database.url.render_as_string(hide_password=False)
    killed = subprocess.run(
        [sys.executable, "-c", MIGRATING, url, str(statement)], check=False, capture_output=True, text=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert current(bare_database) is None
    assert upgrade(bare_database)[:1] == ("0001",)
