"""What the tables are built from: one MetaData, names of constraints, and short words for columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, Text

if TYPE_CHECKING:
    from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only where the type is INTEGER
ID = BigInteger().with_variant(Integer(), "sqlite")


def identity() -> Column[Any]:
    return Column("id", ID, primary_key=True, autoincrement=True)


def key(name: str, kind: TypeEngine[Any] | None = None) -> Column[Any]:
    return Column(name, kind or Text(), primary_key=True, autoincrement=False)


def needed(name: str, kind: TypeEngine[Any] | None = None) -> Column[Any]:
    return Column(name, kind or Text(), nullable=False)


def maybe(name: str, kind: TypeEngine[Any] | None = None) -> Column[Any]:
    return Column(name, kind or Text())
