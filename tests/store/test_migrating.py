"""Migrations: whole or not at all, once, and the tables they make are those the code means."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from log_sentinel.content import shipped
from log_sentinel.store.faults import DatabaseBroken
from log_sentinel.store.migrating import backup, current, is_current, upgrade
from log_sentinel.store.tables import VIEWS, metadata

if TYPE_CHECKING:
    from pathlib import Path

    from log_sentinel.store.engine import Database

HALF_A_MIGRATION = '''
"""Makes a table, changes another, then fails."""
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{before}"

def upgrade():
    op.create_table("half", sa.Column("id", sa.Integer(), primary_key=True))
    op.add_column("silences", sa.Column("half", sa.Text()))
    op.execute("INSERT INTO no_such_table VALUES (1)")
'''


@pytest.fixture
def with_a_failing_migration(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    shutil.copytree(shipped("migrations"), folder)
    newest = max(path.name for path in (folder / "versions").glob("0*.py")).partition("_")[0]
    (folder / "versions" / "9999_half.py").write_text(HALF_A_MIGRATION.format(before=newest))
    return folder


def test_the_migrations_make_the_tables_that_the_code_means(database: Database) -> None:
    with database.read() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
        assert differences == []
        assert set(VIEWS) == set(inspect(connection).get_view_names())


def test_migrations_are_named_after_their_revisions_in_order() -> None:
    folder = shipped("migrations")
    script = ScriptDirectory(str(folder))
    order = [step.revision for step in script.walk_revisions()][::-1]

    assert order == sorted(path.name.partition("_")[0] for path in (folder / "versions").glob("*.py"))


def test_a_database_of_this_version_needs_no_alembic(sqlite: Database) -> None:
    program = (
        "import sys; from log_sentinel.store import engine, migrating, settings\n"
        "db = engine.open_database(settings.DatabaseSettings(url=sys.argv[1]))\n"
        "print(migrating.upgrade(db), 'alembic' in sys.modules)"
    )
    url = f"sqlite:///{sqlite.path}"
    ran = subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True, check=True)

    assert ran.stdout == "() False\n"


def test_an_upgrade_is_done_once(bare_database: Database) -> None:
    assert current(bare_database) is None
    assert not is_current(bare_database)
    done = upgrade(bare_database)
    assert done[:1] == ("0001",)
    assert upgrade(bare_database) == ()
    assert is_current(bare_database)


def test_a_migration_that_fails_half_way_leaves_the_old_schema_working(
    database: Database, with_a_failing_migration: Path
) -> None:
    before = current(database)
    with pytest.raises(DatabaseBroken, match=r"a migration failed|its tables are missing"):
        upgrade(database, folder=with_a_failing_migration)
    assert before == current(database)
    with database.write() as connection:
        assert "half" not in inspect(connection).get_table_names()
        assert "half" not in {column["name"] for column in inspect(connection).get_columns("silences")}
        connection.execute(text("INSERT INTO reject_counts VALUES ('2026-11-24 10:00:00.000', 'i', 's', 'r', 1)"))
    assert is_current(database)


def test_an_older_log_sentinel_refuses_newer_tables_and_touches_nothing(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '8888'"))
    for refused in (upgrade, is_current):
        with pytest.raises(DatabaseBroken) as raised:
            refused(database)
        assert (
            raised.value.reason
            == "its tables are of version 8888, which this log-sentinel does not know. Install the newer one."
        )
    assert current(database) == "8888"


def test_two_daemons_that_start_at_once_migrate_once(bare_database: Database) -> None:
    results: list[tuple[str, ...]] = []
    threads = [threading.Thread(target=lambda: results.append(upgrade(bare_database))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ["", "", current(bare_database)] == sorted(",".join(done[-1:]) for done in results)


def test_a_backup_taken_while_a_writer_is_at_work_is_whole_and_private(sqlite: Database, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with sqlite.write() as connection:
        connection.execute(text("INSERT INTO reject_counts VALUES ('2026-11-24 10:00:00.000', 'i', 's', 'r', 1)"))
    with sqlite.write() as connection:
        connection.execute(text("UPDATE reject_counts SET n = 2"))
        size = backup(sqlite, copy)
    assert size == copy.stat().st_size
    assert copy.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(copy) as connection_:
        assert connection_.execute("SELECT n FROM reject_counts").fetchall() == [(1,)]
    connection_.close()


def test_a_backup_never_overwrites_a_file(sqlite: Database, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(FileExistsError):
        backup(sqlite, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"
