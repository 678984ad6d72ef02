"""Brings requests together with the lines of the error log that explain them, whichever file was read first.

A 403 gets a surer verdict by it. A candidate is more: a 503 may be a server that is down or a rate limit, its own line
does not tell, and a line that does makes it a denial, with its counts. Candidates and evidence wait in their tables;
when either comes, the other is looked for. Verdicts, promoted rows, their counts and the end of both waits enter with
the commit that brought the second half. Which line explains which request, and what it says, the diagnosis knows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import bindparam, delete, select, update

from log_sentinel.model.columns import COMPANIONS, JUDGED, VERDICT
from log_sentinel.model.finding import Cause
from log_sentinel.store.frames import frame_of
from log_sentinel.store.tables import candidates, denials
from log_sentinel.store.tables import companion_evidence as evidence

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection

# Of requests (JUDGED and more) and entries (COMPANIONS): the requests that an entry explains, judged anew, with
# `companion`, the entry's row.
Explain = Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]

# How far beyond the new lines' times their other halves are looked for.
APART = timedelta(seconds=3)
# Of each side, looked at together; of more, those within APART of each other
AT_ONCE = 50_000
# SQLite binds 32766 values a statement at most
OFFSETS_A_STATEMENT = 10_000
PLACE = {"instance": pl.String, "source": pl.String, "generation": pl.Int64}
# A verdict that an error log has a part in; a value in the evidence cannot look so, its quotes are escaped there.
EXPLAINED_ALREADY = r'"field": ?"error_log"'
JSON = ("cause_alternatives", "evidence")


@dataclass(frozen=True, slots=True)
class Explained:
    """Rows of PLACE and JUDGED: candidates that are denials now, and denials before and after their new verdict."""

    promoted: pl.DataFrame
    before: pl.DataFrame
    after: pl.DataFrame


def explain_stored(
    connection: Connection, instance: str, source: str, between: tuple[datetime, datetime], explain: Explain
) -> Explained | None:
    """Looks for halves of `source` near `between` (UTC); None when nothing was explained.

    Gives new verdicts to denials, takes proved candidates and used evidence from their tables. The promoted rows are
    left to the caller to store.
    """
    since, until = between[0] - APART, between[1] + APART
    said = _waiting(connection, evidence, COMPANIONS, instance, source, since, until)
    if said.is_empty():
        return None
    waiting = _waiting(connection, candidates, JUDGED, instance, source, since, until)
    stored = _waiting(connection, denials, JUDGED, instance, source, since, until)
    if max(said.height, waiting.height, stored.height) == AT_ONCE and between[1] - between[0] > APART:
        middle = between[0] + (between[1] - between[0]) / 2
        parts = [
            explain_stored(connection, instance, source, part, explain)
            for part in ((between[0], middle), (middle, between[1]))
        ]
        return _together([part for part in parts if part is not None])
    stored = stored.filter(~pl.col("evidence").fill_null("").str.contains(EXPLAINED_ALREADY))
    halves = [waiting.with_columns(candidate=True), stored.with_columns(candidate=False)]
    found = explain(pl.concat(halves), said).filter(pl.col("cause") != Cause.UNKNOWN)
    if found.is_empty():
        return None
    used = said[found["companion"].to_list()]
    rows = found.drop("companion").partition_by("candidate", as_dict=True, include_key=False)
    promoted, after = (rows.get((kind,), waiting.clear()) for kind in (True, False))
    before = stored.join(after, on=["generation", "origin_offset"], how="semi")
    _end_wait(connection, evidence, used)
    _end_wait(connection, candidates, promoted)
    _judge_anew(connection, after)
    return Explained(promoted, before, after)


def _together(parts: list[Explained]) -> Explained | None:
    """What was explained in several spans, one after the other, so that no row is in two of them."""
    if not parts:
        return None
    promoted, before, after = (pl.concat([getattr(part, name) for part in parts]) for name in Explained.__slots__)
    return Explained(promoted, before, after)


def _waiting(
    connection: Connection,
    table: Table,
    columns: dict[str, Any],
    instance: str,
    source: str,
    since: datetime,
    until: datetime,
) -> pl.DataFrame:
    c = table.c
    query = (
        select(*(c[name] for name in PLACE | columns))
        .where(c.instance == instance, c.source == source, c.time >= since, c.time <= until)
        .order_by(c.time, c.generation, c.origin_offset)
        .limit(AT_ONCE)
    )
    return frame_of(connection, query, PLACE | columns)


def _judge_anew(connection: Connection, rows: pl.DataFrame) -> None:
    if rows.is_empty():
        return
    at = (denials.c.generation == bindparam("at_generation")) & (denials.c.origin_offset == bindparam("at_offset"))
    statement = update(denials).where(at).values({name: bindparam(f"new_{name}") for name in VERDICT})
    connection.execute(
        statement,
        [
            {"at_generation": row["generation"], "at_offset": row["origin_offset"]}
            | {f"new_{name}": _value(name, row[name]) for name in VERDICT}
            for row in rows.iter_rows(named=True)
        ],
    )


def _value(column: str, value: Any) -> Any:
    """JSON comes as text and goes as what it says: the column's type writes it as its database has it."""
    return json.loads(value) if column in JSON and value is not None else value


def _end_wait(connection: Connection, table: Table, rows: pl.DataFrame) -> None:
    for (generation,), group in rows.group_by("generation"):
        offsets = group["origin_offset"].to_list()
        for first in range(0, len(offsets), OFFSETS_A_STATEMENT):
            some = table.c.origin_offset.in_(offsets[first : first + OFFSETS_A_STATEMENT])
            connection.execute(delete(table).where(table.c.generation == generation, some))
