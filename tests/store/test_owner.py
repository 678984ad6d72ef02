"""One process reads into a database as one instance; the second is told who has it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from log_sentinel.store.engine import open_database
from log_sentinel.store.migrating import POSTGRES_UPGRADE_LOCK, upgrade
from log_sentinel.store.owner import Owned, own
from log_sentinel.store.settings import DatabaseSettings

if TYPE_CHECKING:
    from pathlib import Path

    from log_sentinel.store.engine import Database
    from tests.store.postgres_server import PostgresServer

HOLDING = """
import sys
from pydantic import SecretStr
from log_sentinel.store.engine import open_database
from log_sentinel.store.owner import own
from log_sentinel.store.settings import DatabaseSettings

ownership = own(open_database(DatabaseSettings(url=SecretStr(sys.argv[1]))), "edge-1")
print("held", flush=True)
sys.stdin.read()
"""


def holder(url: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def ended(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_second_daemon_is_refused_and_told_the_holders_process(database: Database, database_url: str) -> None:
    first = holder(database_url)
    try:
        with pytest.raises(Owned) as raised:
            own(database, "edge-1")
        assert f"process {first.pid} on " in raised.value.holder
        assert str(raised.value).startswith(f"{database.redacted_url}: in use by ")
        assert " as instance edge-1; one process reads into it at a time. Stop that one first" in str(raised.value)
    finally:
        ended(first)


def test_a_holder_that_was_killed_blocks_nobody(database: Database, database_url: str) -> None:
    ended(holder(database_url))
    own(database, "edge-1").release()


def test_released_ownership_can_be_taken_again(database: Database) -> None:
    ownership = own(database, "edge-1")
    with pytest.raises(Owned, match=f"process {os.getpid()} on "):
        own(database, "edge-1")
    ownership.release()
    ownership.release()
    own(database, "edge-1").release()


def test_a_role_that_only_reads_cannot_keep_the_daemon_out(postgres: PostgresServer, postgres_template: str) -> None:
    import psycopg

    name = postgres.new_database(postgres_template)
    postgres.sql("CREATE ROLE nosy LOGIN")
    db = open_database(DatabaseSettings(url=SecretStr(postgres.url(name))))
    with psycopg.connect(host=str(postgres.socket.parent), user="nosy", dbname=name) as nosy:
        nosy.execute("SELECT pg_advisory_lock(hashtext('log-sentinel instance'), hashtext('edge-1'))")
        nosy.execute("SELECT pg_advisory_lock(%s)", [POSTGRES_UPGRADE_LOCK])
        own(db, "edge-1").release()
        assert upgrade(db) == ()
    db.close()
    postgres.drop_database(name)
    postgres.sql("DROP ROLE nosy")


def test_the_lock_file_is_private_and_a_link_is_not_followed(sqlite: Database, tmp_path: Path) -> None:
    lock = tmp_path / "sentinel.db.lock"
    own(sqlite, "edge-1").release()
    assert lock.stat().st_mode & 0o777 == 0o600
    lock.unlink()
    (tmp_path / "precious").write_text("precious")
    lock.symlink_to(tmp_path / "precious")
    with pytest.raises(Exception, match="too many levels of symbolic links"):
        own(sqlite, "edge-1")
    assert (tmp_path / "precious").read_text() == "precious"
