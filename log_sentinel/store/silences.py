"""Owner of `silences`: what people do not want to be told for a while. Rows stay, as a record of who muted what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from log_sentinel.model.silence import Silence
from log_sentinel.store.tables import silences

if TYPE_CHECKING:
    from datetime import datetime

    from log_sentinel.store.engine import Database

_COLUMNS = ("id", "matchers", "starts_at", "ends_at", "who", "why")


class NoSuchSilence(LookupError):
    """There is no silence `number` that has not ended."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"silence {number}: there is none, or it has ended.")


def add(database: Database, silence: Silence, now: datetime) -> int:
    """Begins a silence; gives its number."""
    values = {name: getattr(silence, name) for name in _COLUMNS if name != "id"}
    with database.write() as connection:
        made = insert(silences).values(**values | {"matchers": dict(silence.matchers)}, created_at=now)
        number: int = connection.execute(made.returning(silences.c.id)).scalar_one()
    return number


def end(database: Database, number: int, now: datetime) -> None:
    """Ends a silence before its time. Raises NoSuchSilence."""
    with database.write() as connection:
        ended = connection.execute(
            update(silences).where(silences.c.id == number, silences.c.ends_at > now).values(ends_at=now)
        )
    if ended.rowcount == 0:
        raise NoSuchSilence(number)


def in_force(database: Database, now: datetime) -> list[Silence]:
    """The silences that have begun and not ended (wall clock, UTC), the oldest first."""
    wanted = select(silences).where(silences.c.starts_at <= now, silences.c.ends_at > now).order_by(silences.c.id)
    with database.read() as connection:
        return [Silence(**{name: getattr(row, name) for name in _COLUMNS}) for row in connection.execute(wanted)]
