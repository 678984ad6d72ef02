"""Finds the row a database refuses, so that the rest of its batch is stored and nothing is tried for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.store.faults import driver_errors, row_is_at_fault

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from sqlalchemy.engine import Connection


def put(
    connection: Connection, frame: pl.DataFrame, write: Callable[[pl.DataFrame], None]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Writes `frame` by `write` within the caller's transaction; the rows that were taken and those that were refused.

    A refused batch is undone to its savepoint and halved until single rows are left. Other faults are raised.
    """
    if frame.is_empty():
        return frame, frame
    refusals: tuple[type[Exception], ...] = (*driver_errors(connection.dialect.name), OverflowError, UnicodeError)
    try:
        with connection.begin_nested():
            write(frame)
    except refusals as error:
        if not row_is_at_fault(error):
            raise
    else:
        return frame, frame.clear()
    if frame.height == 1:
        return frame.clear(), frame
    middle = frame.height // 2
    (taken, refused), (more_taken, more_refused) = (
        put(connection, half, write) for half in (frame.head(middle), frame.tail(frame.height - middle))
    )
    return taken.vstack(more_taken), refused.vstack(more_refused)
