"""Owner of `leases`: what only one process of a deployment may do, such as detection on a shared Postgres.

A lease is a row, not a lock of a session: a session's lock is gone after a failover, and any role could take it. The
database's own clock decides when it expires. Its epoch grows with every taker; work done under a lease begins with
`fence`, so that a holder that was asleep past its time changes nothing when it wakes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError

from log_sentinel.store.tables import leases

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection

    from log_sentinel.store.engine import Database


@dataclass(frozen=True, slots=True)
class Lease:
    """Ours while the row says the same epoch and has not expired."""

    name: str
    holder: str
    epoch: int


class LeaseHeld(Exception):  # noqa: N818 - says what is so
    """Another holder has it until `until` (UTC, the database's clock), if it does not renew it."""

    def __init__(self, name: str, holder: str, until: datetime) -> None:
        super().__init__(f"lease {name}: held by {holder} until {until:%H:%M:%S} UTC")
        self.holder = holder
        self.until = until


class LeaseLost(Exception):  # noqa: N818 - says what is so
    """The lease expired or another took it. Nothing that was to be done under it was done; take it again."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(f"lease {lease.name}: {lease.holder} does not hold it any more (epoch {lease.epoch})")
        self.lease = lease


def take(db: Database, name: str, holder: str, lasting: timedelta) -> Lease:
    """Takes the lease `name` for `lasting`: a free one, an expired one or our own. Raises LeaseHeld."""
    values = {"holder": holder, "expires_at": _now(db.is_sqlite, lasting)}
    expired = or_(leases.c.expires_at <= _now(db.is_sqlite), leases.c.holder == holder)
    with db.write() as connection:
        epoch = connection.scalar(
            update(leases)
            .where(leases.c.name == name, expired)
            .values(**values, epoch=leases.c.epoch + 1)
            .returning(leases.c.epoch)
        )
        if epoch is None and (found := _found(connection, name)) is not None:
            raise LeaseHeld(name, *found)
        if epoch is None:
            try:
                with connection.begin_nested():
                    connection.execute(insert(leases).values(**values, name=name, epoch=1))
            except IntegrityError:
                # another made the row between our look and our insert
                raise LeaseHeld(name, *(_found(connection, name) or ())) from None
            epoch = 1
    return Lease(name, holder, epoch)


def renew(db: Database, lease: Lease, lasting: timedelta) -> None:
    """Holds it for `lasting` from now. Raises LeaseLost, also when it expired and nobody took it yet."""
    with db.write() as connection:
        _touch(connection, lease, expires_at=_now(db.is_sqlite, lasting))


def release(db: Database, lease: Lease) -> None:
    """Lets another take it at once. Nothing happens if it is not ours any more."""
    with db.write() as connection:
        connection.execute(
            update(leases)
            .where(leases.c.name == lease.name, leases.c.epoch == lease.epoch)
            .values(expires_at=_now(db.is_sqlite))
        )


def fence(connection: Connection, lease: Lease) -> None:
    """First in a transaction that only the holder may commit: locks the lease's row to its end. Raises LeaseLost."""
    _touch(connection, lease, epoch=lease.epoch)


def _touch(connection: Connection, lease: Lease, **values: Any) -> None:
    ours = (
        leases.c.name == lease.name,
        leases.c.epoch == lease.epoch,
        leases.c.expires_at > _now(connection.dialect.name == "sqlite"),
    )
    if connection.execute(update(leases).where(*ours).values(**values)).rowcount != 1:
        raise LeaseLost(lease)


def _found(connection: Connection, name: str) -> tuple[str, datetime] | None:
    row = connection.execute(select(leases.c.holder, leases.c.expires_at).where(leases.c.name == name)).first()
    return None if row is None else (row.holder, row.expires_at)


def _now(is_sqlite: bool, later: timedelta | None = None) -> ColumnElement[Any]:
    """The database's clock at this moment, not at the transaction's begin, as the column's type holds it."""
    seconds = 0.0 if later is None else later.total_seconds()
    if is_sqlite:
        return func.strftime("%Y-%m-%d %H:%M:%f", "now", f"{seconds:+.3f} seconds")
    return func.clock_timestamp() + text(f"interval '{seconds:.3f} seconds'")
