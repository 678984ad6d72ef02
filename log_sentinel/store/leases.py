"""Owner of `leases`: what only one daemon of a deployment may do, and who does it.

A lease runs out by the database's clock when its holder does not come back. `epoch` grows with every change of holder:
whoever writes under a lease checks it in the same transaction (`check`), so that one who was believed dead and wakes up
changes nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from log_sentinel.store.tables import leases

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from log_sentinel.store.engine import Database


class LeaseLost(Exception):
    """`holder` held the lease `name` in `epoch`, and does so no more."""

    def __init__(self, name: str, holder: str, epoch: int) -> None:
        self.name, self.holder, self.epoch = name, holder, epoch
        super().__init__(f"lease {name}: {holder} held it in epoch {epoch} and holds it no more. It is taken anew.")


def take(database: Database, name: str, holder: str, lasting: timedelta) -> int | None:
    """Takes or prolongs the lease; gives its epoch, None when another one holds it."""
    dialect = sqlite if database.is_sqlite else postgresql
    with database.write() as connection:
        now = _now(connection)
        # a row that nobody holds, so that of two who are the first one waits for the other's
        free = dialect.insert(leases).values(name=name, holder="", epoch=0, expires_at=now)
        connection.execute(free.on_conflict_do_nothing())
        row = connection.execute(select(leases).where(leases.c.name == name).with_for_update()).one()
        now = _now(connection)
        if row.holder != holder and row.expires_at > now:
            return None
        epoch: int = row.epoch if row.holder == holder else row.epoch + 1
        values = {"holder": holder, "epoch": epoch, "expires_at": now + lasting}
        connection.execute(update(leases).where(leases.c.name == name).values(**values))
    return epoch


def check(connection: Connection, name: str, holder: str, epoch: int) -> None:
    """Holds the lease's row until the transaction ends. Raises LeaseLost when it is another's by now."""
    row = connection.execute(select(leases).where(leases.c.name == name).with_for_update()).one_or_none()
    if row is None or (row.holder, row.epoch) != (holder, epoch):
        raise LeaseLost(name, holder, epoch)


def give_back(database: Database, name: str, holder: str) -> None:
    """The next one need not wait until it runs out."""
    with database.write() as connection:
        mine = (leases.c.name == name) & (leases.c.holder == holder)
        connection.execute(update(leases).where(mine).values(expires_at=_now(connection)))


def _now(connection: Connection) -> datetime:
    """The database's clock; SQLite's is this machine's."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now
