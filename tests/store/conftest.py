"""Databases before their first migration."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from log_sentinel.store.engine import Database, open_database
from log_sentinel.store.settings import DatabaseSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.store.postgres_server import PostgresServer


@pytest.fixture(params=["sqlite", "postgres"])
def bare_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without tables, of either kind."""
    if request.param == "sqlite":
        db = open_database(DatabaseSettings(url=SecretStr(f"sqlite:///{tmp_path / 'bare.db'}")))
        yield db
        db.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.new_database()
    db = open_database(DatabaseSettings(url=SecretStr(server.url(name))))
    yield db
    db.close()
    server.drop_database(name)


@pytest.fixture
def sqlite(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """An SQLite database with all tables."""
    shutil.copy(sqlite_template, tmp_path / "sentinel.db")
    db = open_database(DatabaseSettings(url=SecretStr(f"sqlite:///{tmp_path / 'sentinel.db'}")))
    yield db
    db.close()
