"""Fixtures for all parts: a real database of either kind. And with REQUIRE_REAL=1 a skipped test is a failed one."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.lengths import RELEASE_SHARE, times

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from log_sentinel.store.engine import Database
    from tests.store.postgres_server import PostgresServer

# The same examples every time, so that a failure is the change's doing and not the day's; the release runs
# go their own ways. How fast a busy machine runs an example says nothing about the code.
hypothesis.settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile(
    "long",
    deadline=None,
    max_examples=times(100, 30_000),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("long" if RELEASE_SHARE else "suite")


def failed_if_real_is_required(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turns a skip into a failure that gives its reason; expected failures stay what they are."""
    if report.outcome != "skipped" or hasattr(report, "wasxfail") or os.environ.get("REQUIRE_REAL") != "1":
        return
    where, _, reason = report.longrepr if isinstance(report.longrepr, tuple) else ("", 0, str(report.longrepr))
    report.outcome = "failed"
    report.longrepr = f"{where}: skipped ({reason}), and REQUIRE_REAL=1 allows no skip. Install what is missing."


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    failed_if_real_is_required(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    failed_if_real_is_required(report)
    return report


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One Postgres for all tests; they get databases of their own."""
    from tests.store.postgres_server import PostgresServer

    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    """A database with all tables, to be copied; nobody may be connected to it."""
    name = postgres.new_database()
    _upgraded(postgres.url(name))
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "sentinel.db"
    _upgraded(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database with all tables, of either kind."""
    if request.param == "sqlite":
        path = tmp_path / "sentinel.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.new_database(request.getfixturevalue("postgres_template"))
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The same, open."""
    db = _open(database_url)
    yield db
    db.close()


def _open(url: str) -> Database:
    from pydantic import SecretStr

    from log_sentinel.store.engine import open_database
    from log_sentinel.store.settings import DatabaseSettings

    return open_database(DatabaseSettings(url=SecretStr(url)))


def _upgraded(url: str) -> None:
    from log_sentinel.store.migrating import upgrade

    db = _open(url)
    upgrade(db)
    db.close()
