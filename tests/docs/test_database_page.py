"""docs/database.md against the tables: every table, column, view and cause is named, and its queries run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from log_sentinel.model.finding import Cause, DeniedBy
from log_sentinel.store.tables import VIEWS, denials, metadata

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "database.md").read_text()
QUERIES = [
    pytest.param(query, id=f"{page.stem}-{number}")
    for page in sorted(DOCS.glob("*.md"))
    for number, query in enumerate(re.findall(r"(?ms)^```sql\n(.*?)^```$", page.read_text()), 1)
]


def names(row: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", row))


def test_every_column_of_a_denied_request_is_explained() -> None:
    section = PAGE.partition("## A denied request")[2].partition("## Causes")[0]
    first_cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert {column.name for column in denials.columns} == set().union(*map(names, first_cells))


@pytest.mark.parametrize("table", sorted(set(metadata.tables) - {"denials"}))
def test_every_column_of_every_other_table_is_named(table: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{table}` |")]
    columns = {column.name for column in metadata.tables[table].columns}
    if table == "candidates":  # said to be those of denials, and one more
        columns -= {column.name for column in denials.columns}
    assert columns <= names(row.split("|")[2])


def test_every_view_is_named() -> None:
    assert set(VIEWS) == {view for view in VIEWS if f"| `{view}` |" in PAGE}


@pytest.mark.parametrize("word", [*Cause, *DeniedBy])
def test_every_cause_and_every_denier_is_named(word: str) -> None:
    assert f"`{word}`" in PAGE


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_in_the_docs_runs(query: str, database: Database) -> None:
    with database.read() as connection:
        connection.execute(text(query)).fetchall()


@pytest.mark.parametrize("view", VIEWS)
def test_every_column_of_a_view_that_the_page_names_exists(view: str, database: Database) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{view}` |")]
    with database.read() as connection:
        columns = set(connection.execute(text(f"SELECT * FROM {view} LIMIT 0")).keys())
    assert set() == names(row) - {view} - columns
