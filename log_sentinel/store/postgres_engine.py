"""Connections to Postgres: every wait has an end, whoever has gone silent."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import NullPool

from log_sentinel.store.deadlines import WentSilent, deadline
from log_sentinel.store.faults import driver_errors

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Engine

CONNECTIONS = 8
POOL_SECONDS = 10
STATEMENT_SECONDS = 20
LOOK_SECONDS = 5.0

# libpq's own limits, and the server's for this session; milliseconds where no unit stands
ARGUMENTS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    # shown to people who look for who holds what; Postgres keeps 63 bytes
    "application_name": f"log-sentinel process {os.getpid()} on {socket.gethostname()}"[:63],
    "options": " ".join(
        f"-c {name}"
        for name in (
            "timezone=UTC",
            f"statement_timeout={STATEMENT_SECONDS}s",
            "lock_timeout=10s",
            "idle_in_transaction_session_timeout=60s",
        )
    ),
}


def pool(url: URL) -> Engine:
    """Connections that are looked at before they are handed out, so that a restart of the server costs no error."""
    engine = create_engine(
        url, connect_args=ARGUMENTS, pool_size=CONNECTIONS, max_overflow=0, pool_timeout=POOL_SECONDS
    )

    refusals: tuple[type[Exception], ...] = (*driver_errors("postgresql"), WentSilent)

    # SQLAlchemy's own pre-ping has no end when the server is silent
    @event.listens_for(engine, "checkout")
    def look(driver: Any, _record: object, _proxy: object) -> None:
        try:
            with deadline(driver, LOOK_SECONDS):
                driver.execute("SELECT 1")
                driver.rollback()
        except refusals as error:
            raise DisconnectionError from error

    return engine


def session(url: URL) -> Connection:
    """A connection outside the pool and outside any transaction, for what lasts as long as a session."""
    engine = create_engine(url, connect_args=ARGUMENTS, poolclass=NullPool)
    return engine.connect().execution_options(isolation_level="AUTOCOMMIT")
