"""An access log and its error log, both followed, in either order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from log_sentinel.daemon.error_logs import ErrorLogs, error_log_definitions, settings_of, source_of
from log_sentinel.daemon.ingest import Ingest, Reading
from log_sentinel.daemon.settings import Settings
from log_sentinel.daemon.tally import Tally
from log_sentinel.sources.once import OncePass
from log_sentinel.sources.settings import FileSource
from log_sentinel.store.appending import append
from log_sentinel.store.generations import StoredCheckpoints
from log_sentinel.store.readers import denied_minutes
from log_sentinel.store.tables import candidates, companion_evidence, denials
from tests.daemon.test_ingest import INSTANCE, choose

if TYPE_CHECKING:
    from pathlib import Path

    from log_sentinel.store.engine import Database

ACCESS = '203.0.113.{n} - - [24/Nov/2026:10:00:0{n} +0000] "GET /n/{n} HTTP/1.1" {status} 153 "-" "t"\n'
ERROR = (
    "2026/11/24 10:00:0{n} [error] 1#1: *{n} {says}, client: 203.0.113.{n}, server: _, "
    'request: "GET /n/{n} HTTP/1.1", host: "x"\n'
)
LIMITED = 'limiting requests, excess: 2.990 by zone "api"'
FORBIDDEN = "access forbidden by rule"
TEN = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def read_once(database: Database, error_logs: ErrorLogs, path: Path, reading: Reading) -> None:
    ingest = Ingest(
        [reading],
        lambda commit: append(database, commit, explain=error_logs.explain),
        instance=INSTANCE,
        tally=Tally(),
    )
    ingest.start()
    assert ingest.finished.wait(60), path
    ingest.stop()
    assert ingest.failure is None
    reading.source.close()


@pytest.mark.parametrize("first", ["access", "error"])
def test_whichever_file_is_read_first_the_denials_have_the_cause_their_error_log_names(
    first: str, database: Database, tmp_path: Path
) -> None:
    access, error = tmp_path / "access.log", tmp_path / "error.log"
    access.write_text("".join(ACCESS.format(n=n, status=status) for n, status in enumerate((403, 503, 403, 503), 1)))
    error.write_text("".join(ERROR.format(n=n, says=says) for n, says in ((1, FORBIDDEN), (2, LIMITED))))
    error_logs = ErrorLogs(error_log_definitions(Settings(), tmp_path))
    checkpoints = StoredCheckpoints(database, INSTANCE)
    readings = {
        "access": (access, Reading(OncePass("edge", str(access), checkpoints), choose())),
        "error": (
            error,
            Reading(OncePass(source_of("edge"), str(error), checkpoints), error_logs.chooser("edge", "UTC")),
        ),
    }
    order = ["access", "error"] if first == "access" else ["error", "access"]
    # the entries are of a format that is known before either file is read a second time
    error_logs.chooser("edge", "UTC")(error.read_bytes())

    for name in order:
        read_once(database, error_logs, *readings[name])

    with database.read() as connection:
        rows = connection.execute(select(denials.c.path, denials.c.status, denials.c.cause)).all()
        left = [len(connection.execute(select(table)).all()) for table in (candidates, companion_evidence)]
    assert sorted(map(tuple, rows)) == [
        ("/n/1", 403, "ip_restriction"),
        ("/n/2", 503, "rate_limit"),
        ("/n/3", 403, "unknown"),
    ]
    assert left == [1, 0]
    minutes = denied_minutes(database, TEN, TEN + timedelta(minutes=1)).select("status", "cause", "n").rows()
    assert sorted(minutes) == [(403, "ip_restriction", 1), (403, "unknown", 1), (503, "rate_limit", 1)]


def test_an_error_log_is_followed_as_its_access_log_is() -> None:
    access = FileSource(
        path="/var/log/nginx/access.log", error_log="/var/log/nginx/error.log", zone="Europe/Berlin", start="beginning"
    )

    error = settings_of(access)

    assert (error.path, error.zone, error.start) == ("/var/log/nginx/error.log", "Europe/Berlin", "beginning")
    assert error.error_log is None


def test_an_error_log_of_no_known_format_waits() -> None:
    assert ErrorLogs({}).chooser("edge", "UTC")(b"anything\n") is None
