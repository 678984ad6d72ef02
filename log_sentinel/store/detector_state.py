"""Owner of `detector_state` and `baselines`: how far detection has come, and what it knew at a minute before.

The watermark moves with every minute that is judged, in the transaction that records what came of it. What the detector
knows is large and is saved now and then; from there it is fed again what the store has, up to the watermark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import delete, func, insert, select, update

from log_sentinel.store.tables import baselines, detector_state, traffic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from log_sentinel.store.engine import Database

# One row stands for all rules: they are judged together.
_ALL = {"rule": "", "dimension": "", "key": ""}
_BASELINES = "baselines"


@dataclass(frozen=True, slots=True)
class Saved:
    """`watermark`: the last minute judged and recorded. `state`: what the detector knew, None if it was never saved."""

    watermark: datetime | None
    state: dict[str, object] | None


def load(database: Database) -> Saved:
    """What was saved last."""
    with database.read() as connection:
        row = connection.execute(select(detector_state).filter_by(**_ALL)).one_or_none()
        levels = connection.execute(select(baselines.c.key, baselines.c.levels)).all()
    if row is None:
        return Saved(None, None)
    state: dict[str, object] = dict(row.state)
    return Saved(row.watermark, {**state, _BASELINES: dict(map(tuple, levels))} if state else None)


def move_watermark(connection: Connection, watermark: datetime, now: datetime) -> None:
    """Everything up to the minute `watermark` is judged and recorded."""
    moved = connection.execute(update(detector_state).filter_by(**_ALL).values(watermark=watermark, updated_at=now))
    if moved.rowcount == 0:
        connection.execute(insert(detector_state).values(**_ALL, watermark=watermark, state={}, updated_at=now))


def save(connection: Connection, state: Mapping[str, object], learned_until: datetime, now: datetime) -> None:
    """Keeps what the detector knows at the minute `learned_until`, in the place of what was kept before.

    `state`: JSON-able; its `baselines`, by name, go into the table of that name. After `move_watermark`.
    """
    levels = cast("Mapping[str, Any]", state[_BASELINES])
    connection.execute(delete(baselines))
    if levels:
        connection.execute(
            insert(baselines),
            [
                {"rule": "", "dimension": "", "key": name, "learned_until": learned_until, "levels": found}
                for name, found in levels.items()
            ],
        )
    rest = {name: value for name, value in state.items() if name != _BASELINES}
    connection.execute(update(detector_state).filter_by(**_ALL).values(state=rest, updated_at=now))


def newest_request(database: Database, before: datetime) -> datetime | None:
    """The newest minute before `before` that has requests."""
    with database.read() as connection:
        newest: datetime | None = connection.scalar(select(func.max(traffic.c.minute)).where(traffic.c.minute < before))
    return newest
