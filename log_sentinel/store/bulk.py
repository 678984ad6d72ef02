"""Puts a frame into a table, by the fastest honest way of each database.

SQLite: prepared statements over tuples, times formatted by polars. Postgres: COPY of the CSV that polars writes; where
rows may be there already, COPY into a temporary table and one INSERT ... SELECT from it.
A frame's columns are a subset of the table's, under the same names; columns that are null throughout are left out.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.engine import Connection

# A statement of 100 rows costs half of 100 statements where rows are narrow; SQLite binds 32766 values at most
ROWS_A_STATEMENT = 100
# So many are made into Python's objects or text at a time: a batch of nothing but denials has many times as many
ROWS_AT_A_TIME = 10_000
SQLITE_TIME = "%Y-%m-%d %H:%M:%S%.3f"
POSTGRES_TIME = SQLITE_TIME + "+00"


def insert(connection: Connection, table: Table, frame: pl.DataFrame) -> None:
    """Adds the rows; one that is there already is an error."""
    frame = frame.select(column.name for column in frame if column.null_count() < frame.height)
    if connection.dialect.name == "sqlite":
        _run(connection, table, frame)
    else:
        _copy(connection, table.name, frame)


def add(connection: Connection, table: Table, frame: pl.DataFrame) -> None:
    """Adds the rows' `n` to the table's, row by key; keys that are new are inserted. Null in a key column is ''."""
    keys = [column.name for column in table.primary_key]
    # one row a key, in the key's order: SQLite writes its pages one after the other, two Postgres sessions lock alike
    known = frame.lazy().with_columns(pl.col(pl.String).fill_null(""))
    frame = known.group_by(keys).agg(pl.col("n").sum()).sort(keys).collect()
    _upsert(connection, table, frame, f"DO UPDATE SET n = {table.name}.n + excluded.n")


def insert_new(connection: Connection, table: Table, frame: pl.DataFrame) -> None:
    """Adds the rows that are not there yet by the table's unique key."""
    _upsert(connection, table, frame, "DO NOTHING")


def _upsert(connection: Connection, table: Table, frame: pl.DataFrame, conflict: str) -> None:
    if frame.is_empty():
        return
    keys = ", ".join(_quoted(column.name) for column in table.primary_key)
    on = f" ON CONFLICT {conflict if conflict == 'DO NOTHING' else f'({keys}) {conflict}'}"
    if connection.dialect.name == "sqlite":
        _run(connection, table, frame, on)
        return
    staging = f"staging_{table.name}"
    # not LIKE: that would copy NOT NULL of the id, which is given by the insert
    connection.exec_driver_sql(
        f"CREATE TEMP TABLE IF NOT EXISTS {staging} ON COMMIT DELETE ROWS AS SELECT * FROM {table.name} WITH NO DATA"  # noqa: S608 - our names
    )
    connection.exec_driver_sql(f"TRUNCATE {staging}")
    _copy(connection, staging, frame)
    names = ", ".join(map(_quoted, frame.columns))
    connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {staging}{on}")  # noqa: S608 - our names


def _run(connection: Connection, table: Table, frame: pl.DataFrame, conflict: str = "") -> None:
    same = _same_throughout(frame) if frame.height >= ROWS_A_STATEMENT else []
    for piece in frame.iter_slices(ROWS_AT_A_TIME):
        _run_piece(connection, table, _times_as_text(piece, SQLITE_TIME), same, conflict)


def _run_piece(connection: Connection, table: Table, frame: pl.DataFrame, same: list[str], conflict: str) -> None:
    varying = [name for name in frame.columns if name not in same]
    constants = frame.select(same).row(0) if same else ()
    rows = frame.select(varying).rows()
    whole = len(rows) - len(rows) % ROWS_A_STATEMENT
    if whole:
        several = [
            tuple(chain(constants, *rows[first : first + ROWS_A_STATEMENT]))
            for first in range(0, whole, ROWS_A_STATEMENT)
        ]
        connection.exec_driver_sql(_values(table, same, varying, ROWS_A_STATEMENT) + conflict, several)
    if rows[whole:]:
        each = [constants + row for row in rows[whole:]]
        connection.exec_driver_sql(_values(table, same, varying, 1) + conflict, each)


def _same_throughout(frame: pl.DataFrame) -> list[str]:
    """Columns with one value in all rows, such as the source: bound once a statement, and never all columns."""
    same = [column.name for column in frame if column.null_count() == 0 and bool((column == column[0]).all())]
    return same[: frame.width - 1]


def _copy(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    if frame.is_empty():
        return
    driver: Any = connection.connection.driver_connection
    names = ", ".join(map(_quoted, frame.columns))
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT csv)") as copy:
        # polars quotes "" and leaves null empty, which is how COPY tells them apart
        for piece in frame.iter_slices(ROWS_AT_A_TIME):
            copy.write(_times_as_text(piece, POSTGRES_TIME).write_csv(include_header=False).encode())


def _values(table: Table, same: list[str], varying: list[str], rows: int) -> str:
    """An INSERT whose first values are those of the columns `same`, for every one of its `rows`."""
    names = ", ".join(map(_quoted, same + varying))
    shared = [f"?{number + 1}" for number in range(len(same))]
    first = len(same) + 1
    several = (
        f"({', '.join([*shared, *(f'?{first + row * len(varying) + number}' for number in range(len(varying)))])})"
        for row in range(rows)
    )
    return f"INSERT INTO {table.name} ({names}) VALUES {', '.join(several)}"  # noqa: S608 - our names


def _times_as_text(frame: pl.DataFrame, form: str) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Datetime).dt.strftime(form))


def _quoted(name: str) -> str:
    return f'"{name}"'
