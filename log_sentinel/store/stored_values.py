"""How times and JSON are stored, the same for a reader of either database."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, Text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect
    from sqlalchemy.types import TypeEngine


def written(moment: datetime) -> str:
    """`moment` as SQLite holds it: UTC, `YYYY-MM-DD HH:MM:SS.mmm`, which sorts as time does.

    Raises ValueError if it is naive.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; times in the store are UTC. Give it one.")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "milliseconds")


def read(text: str) -> datetime:
    """What `written` wrote, aware, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime, cut to milliseconds: text in UTC on SQLite, timestamptz(3) on Postgres."""

    impl = String(23)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return TIMESTAMP(timezone=True, precision=3)
        return dialect.type_descriptor(String(23))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        text = written(value)
        # Postgres would round to the next millisecond what SQLite cuts off
        return read(text) if dialect.name == "postgresql" else text

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return read(value) if isinstance(value, str) else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """Lists and dicts: text on SQLite, jsonb on Postgres. None is SQL's null."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(JSONB(none_as_null=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return json.loads(value) if isinstance(value, str) and dialect.name != "postgresql" else value
