"""Postgres under faults: stopped, silent, slow, out of connections, full, cut at a COMMIT; a server of their own."""

from __future__ import annotations

import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from log_sentinel.store import engine, postgres_engine
from log_sentinel.store.appending import Superseded, append
from log_sentinel.store.engine import Database, open_database
from log_sentinel.store.faults import DatabaseBroken, DatabaseUnavailable
from log_sentinel.store.generations import StoredCheckpoints
from log_sentinel.store.migrating import upgrade
from log_sentinel.store.settings import DatabaseSettings
from tests.lengths import times
from tests.store.commits import LINE_BYTES, Log, denial, parsed
from tests.store.in_step import lines_in_step
from tests.store.postgres_server import PostgresServer
from tests.store.proxy import Line, Proxy
from tests.store.small_disk import small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_sentinel.model.commit import Commit


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Not the one of the other tests: it is stopped and broken here."""
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def template(server: PostgresServer) -> str:
    name = server.new_database()
    db = opened(server.url(name))
    upgrade(db)
    db.close()
    return name


@pytest.fixture
def name(server: PostgresServer, template: str) -> Iterator[str]:
    name = server.new_database(template)
    yield name
    server.drop_database(name)


@pytest.fixture
def db(server: PostgresServer, name: str) -> Iterator[Database]:
    db = opened(server.url(name))
    yield db
    db.close()


@pytest.fixture
def proxy(server: PostgresServer) -> Iterator[Proxy]:
    proxy = Proxy(server.socket)
    yield proxy
    proxy.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same limits, in tenths of a second."""
    monkeypatch.setattr(engine, "SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(postgres_engine, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(postgres_engine, "POOL_SECONDS", 0.2)
    options = postgres_engine.ARGUMENTS["options"].replace("lock_timeout=10s", "lock_timeout=200ms")
    monkeypatch.setitem(postgres_engine.ARGUMENTS, "options", options)
    monkeypatch.setitem(postgres_engine.ARGUMENTS, "connect_timeout", 2)


def opened(url: str) -> Database:
    return open_database(DatabaseSettings(url=SecretStr(url)))


def next_commit(log: Log, lines: int = 50) -> Commit:
    first = log.at.offset // LINE_BYTES
    rows = [denial(number) for number in range(first, first + lines)]
    return log.commit(parsed(rows), to=(first + lines) * LINE_BYTES)


def rewound(db: Database, log: Log) -> None:
    log.at = StoredCheckpoints(db, "edge-1").known("edge")[0]


@pytest.mark.parametrize("mode", ["smart", "fast", "immediate"])
def test_a_server_that_was_stopped_is_used_again_when_it_is_back(mode: str, server: PostgresServer, name: str) -> None:
    db = opened(server.url(name))
    log = Log(db)
    append(db, next_commit(log))
    if mode == "smart":
        # it waits for clients to leave
        db.close()
    server.stop(mode)
    try:
        with pytest.raises(DatabaseUnavailable):
            append(db, next_commit(log))
    finally:
        server.start()
    rewound(db, log)
    append(db, next_commit(log))
    assert lines_in_step(db) == 100
    db.close()


def test_a_restart_between_two_commits_costs_no_error(server: PostgresServer, db: Database) -> None:
    log = Log(db)
    append(db, next_commit(log))
    restarts = times(1, 50)
    for _ in range(restarts):
        server.stop("immediate")
        server.start()
        append(db, next_commit(log))
    assert lines_in_step(db) == 50 * (restarts + 1)


@pytest.mark.usefixtures("impatient")
def test_a_server_that_goes_silent_is_given_up_and_used_again_when_it_speaks(
    server: PostgresServer, name: str, proxy: Proxy
) -> None:
    db = opened(server.url(name, address=proxy.address))

    def write_into_silence() -> None:
        with db.write(seconds=0.3) as connection:
            proxy.line = Line.SILENT
            connection.execute(text("SELECT 1"))

    def read_into_silence() -> None:
        with db.read(seconds=0.3) as connection:
            connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable) as raised:
        write_into_silence()
    assert raised.value.reason == "the server has gone silent. See the network and the server's load."
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            read_into_silence()
    proxy.line = Line.OPEN
    log = Log(db)
    append(db, next_commit(log))
    assert lines_in_step(db) == 50
    db.close()


@pytest.mark.parametrize("cut", [Line.CUT_BEFORE_COMMIT, Line.CUT_AFTER_COMMIT], ids=lambda cut: cut.name)
def test_a_connection_cut_at_the_commit_leaves_no_line_lost_or_double(
    cut: Line, server: PostgresServer, name: str, proxy: Proxy
) -> None:
    db = opened(server.url(name, address=proxy.address))
    log = Log(db)
    for number in range(times(12, 500)):
        commit = next_commit(log)
        proxy.line = cut
        with pytest.raises(DatabaseUnavailable):
            append(db, commit)
        proxy.line = Line.OPEN
        assert proxy.cuts == number + 1
        if cut is Line.CUT_BEFORE_COMMIT:
            append(db, commit)
        else:
            with pytest.raises(Superseded) as raised:
                append(db, commit)
            assert raised.value.found == commit.batches[0].move.to.offset
        rewound(db, log)
        assert lines_in_step(db) == 50 * (number + 1)
    db.close()


@pytest.mark.usefixtures("impatient")
def test_a_table_locked_by_another_session_is_waited_for_then_said(server: PostgresServer, db: Database) -> None:
    import psycopg

    log = Log(db)
    commit = next_commit(log)
    with psycopg.connect(host=str(server.socket.parent), user="postgres", dbname=db.url.database) as other:
        other.execute("LOCK TABLE denials IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DatabaseUnavailable, match="another session holds a lock we need for longer than we wait"):
            append(db, commit)
    append(db, commit)
    assert lines_in_step(db) == 50


def test_a_session_ended_by_the_server_in_a_transaction_undoes_it(server: PostgresServer, db: Database) -> None:
    log = Log(db)
    append(db, next_commit(log))

    def ended_halfway() -> None:
        with db.write() as connection:
            connection.execute(text("DELETE FROM denials"))
            pid = connection.scalar(text("SELECT pg_backend_pid()"))
            server.sql(f"SELECT pg_terminate_backend({pid}, 5000)")
            connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable):
        ended_halfway()
    append(db, next_commit(log))
    assert lines_in_step(db) == 100


def test_a_server_without_a_connection_left_is_said(server: PostgresServer, name: str) -> None:
    server.sql("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
    try:
        with pytest.raises(DatabaseUnavailable) as raised:
            opened(server.url(name, user="crowded"))
        assert "no connection left for us. Raise max_connections or close idle clients." in raised.value.reason
    finally:
        server.sql("DROP ROLE crowded")


@pytest.mark.usefixtures("impatient")
def test_our_own_pool_being_used_up_is_unavailable_and_passes(server: PostgresServer, name: str) -> None:
    db = opened(server.url(name))
    held, done = threading.Barrier(postgres_engine.CONNECTIONS + 1), threading.Event()

    def hold() -> None:
        with db.read():
            held.wait()
            done.wait()

    threads = [threading.Thread(target=hold) for _ in range(postgres_engine.CONNECTIONS)]
    for thread in threads:
        thread.start()
    held.wait()
    with pytest.raises(DatabaseUnavailable, match="all our connections are in use"), db.read():
        pass
    done.set()
    for thread in threads:
        thread.join()
    with db.read() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    db.close()


def test_a_revoked_permission_is_said_and_lines_wait(server: PostgresServer, name: str) -> None:
    server.sql(
        "CREATE ROLE daemon LOGIN",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO daemon",
        "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO daemon",
        database=name,
    )
    db = opened(server.url(name, user="daemon"))
    try:
        log = Log(db)
        append(db, next_commit(log))
        server.sql("REVOKE INSERT ON denials FROM daemon", database=name)
        with pytest.raises(DatabaseBroken, match=r"permission denied\. Grant this user what it needs"):
            append(db, next_commit(log))
        server.sql("GRANT INSERT ON denials TO daemon", database=name)
        rewound(db, log)
        append(db, next_commit(log))
        assert lines_in_step(db) == 100
    finally:
        db.close()
        server.sql("DROP OWNED BY daemon", database=name)
        server.sql("DROP ROLE daemon")


def test_a_standby_is_said(server: PostgresServer, name: str) -> None:
    server.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    db = opened(server.url(name))
    with pytest.raises(DatabaseUnavailable, match="the server takes no writes"):
        Log(db)
    db.close()


def test_a_full_disk_of_the_server_is_said_and_lines_wait(server: PostgresServer, db: Database) -> None:
    folder = server.folder.with_name(server.folder.name + "-disk")
    with small_disk(folder, megabytes=8) as disk:
        owner = server.folder.stat()
        subprocess.run(["chown", f"{owner.st_uid}:{owner.st_gid}", folder], check=True)
        space = f"tiny_{db.url.database}"
        server.sql(f"CREATE TABLESPACE {space} LOCATION '{folder}'")
        server.sql(f"ALTER TABLE denials SET TABLESPACE {space}", database=db.url.database or "")
        log = Log(db)
        append(db, next_commit(log))
        disk.fill()
        with pytest.raises(DatabaseUnavailable, match="the server's disk is full"):
            append(db, next_commit(log, lines=5000))
        assert lines_in_step(db) == 50
        disk.free()
        rewound(db, log)
        append(db, next_commit(log))
        assert lines_in_step(db) == 100
        server.sql("ALTER TABLE denials SET TABLESPACE pg_default", database=db.url.database or "")
        server.sql(f"DROP TABLESPACE {space}")
    folder.rmdir()
