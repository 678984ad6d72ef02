"""Log lines of the reliability tests in nginx's combined format, and their way into a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from log_sentinel.content import shipped
from log_sentinel.daemon.ingest import Ingest, Reading
from log_sentinel.daemon.readings import chooser
from log_sentinel.daemon.tally import Tally
from log_sentinel.parsing.compiling import ParseOptions
from log_sentinel.parsing.definitions import load_folders
from log_sentinel.sources.once import OncePass
from log_sentinel.store.appending import append
from log_sentinel.store.generations import StoredCheckpoints

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from log_sentinel.daemon.judging import Format
    from log_sentinel.store.engine import Database

BEGAN = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
INSTANCE = "edge-1"
SOURCE = '[sources.edge]\npath = "{}"\nformat = "nginx-combined"\nstart = "beginning"\n'
KNOWN = load_folders([shipped("parsers")])


def line(number: int, *, status: int = 403, at: datetime | str | None = None, ip: str = "198.51.100.7") -> str:
    """The `number`-th line; a second after the one before it unless `at` says otherwise (a text is taken as it is)."""
    moment = BEGAN + timedelta(seconds=number) if at is None else at
    stamp = moment if isinstance(moment, str) else moment.strftime("%d/%b/%Y:%H:%M:%S %z")
    return f'{ip} - - [{stamp}] "GET /n/{number} HTTP/1.1" {status} 9 "-" "t"\n'


def choose(zone: str = "UTC", format_name: str = "nginx-combined") -> Callable[[bytes], Format | None]:
    return chooser("edge", KNOWN, ParseOptions(zone=zone), format_name=format_name)


def ingest(database: Database, path: Path, name: str = "edge") -> None:
    """Reads `path` once into `database`. Raises what kept it from that."""
    checkpoints = StoredCheckpoints(database, INSTANCE)
    source = OncePass(name, path, checkpoints)
    one = Ingest([Reading(source, choose())], lambda commit: append(database, commit), instance=INSTANCE, tally=Tally())
    one.start()
    one.finished.wait()
    one.stop()
    source.close()
    if one.failure is not None:
        raise one.failure
