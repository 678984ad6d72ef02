"""Rows of a query as a frame; times and JSON are turned in bulk, not value by value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import Text, cast, type_coerce

from log_sentinel.model.columns import TIME
from log_sentinel.store.stored_values import Json, UtcTime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.engine import Connection


def frame_of(connection: Connection, query: Select[Any], columns: Mapping[str, Any]) -> pl.DataFrame:
    """The rows of `query` under the names and types of `columns`; JSON stays text, times are UTC."""
    is_sqlite = connection.dialect.name == "sqlite"
    chosen: list[ColumnElement[Any]] = []
    for column in query.selected_columns:
        if isinstance(column.type, UtcTime) and is_sqlite:
            chosen.append(type_coerce(column, Text).label(column.name))
        elif isinstance(column.type, Json):
            chosen.append((type_coerce if is_sqlite else cast)(column, Text).label(column.name))
        else:
            chosen.append(column)
    rows = connection.execute(query.with_only_columns(*chosen)).all()
    as_read = {
        column.name: pl.String if columns[column.name] == TIME and is_sqlite else columns[column.name]
        for column in query.selected_columns
    }
    frame = pl.DataFrame([tuple(row) for row in rows], schema=as_read, orient="row")
    texts = [name for name, dtype in columns.items() if dtype == TIME and is_sqlite]
    return frame.select(*columns).with_columns(
        pl.col(texts).str.to_datetime("%Y-%m-%d %H:%M:%S%.3f", time_unit="ms", time_zone="UTC", strict=True)
    )
