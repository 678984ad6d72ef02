"""Puts a commit into the database: rows, counts and checkpoints in one transaction.

Owner of `denials`, `candidates`, `companion_evidence`, `traffic`, `denied_minutes`, `activity`, `rejects` and
`reject_counts`. The counts of denials are made from the rows that were really stored, so that they always agree.
Emits nothing; what was stored, was there already or was refused by the database is in `Appended`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl
from sqlalchemy import delete, select

from log_sentinel.model.columns import COMPANIONS, JUDGED, REJECTS, TIME
from log_sentinel.store import bulk, tables
from log_sentinel.store.explaining import Explain, Explained, explain_stored
from log_sentinel.store.generations import Superseded, move
from log_sentinel.store.halving import put
from log_sentinel.store.push_seen import AlreadySeen, remember
from log_sentinel.store.sanitising import fit_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection

    from log_sentinel.model.commit import Commit, SourceBatch
    from log_sentinel.store.engine import Database

__all__ = ["AlreadySeen", "Appended", "Superseded", "append"]

REFUSED = "refused by the database"
SAMPLE_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a commit's denied requests, in rows.

    `duplicates` were stored before under the same generation and offset: the checkpoints make that impossible, so more
    than 0 tells of a fault of ours. `refused` are rows of any table that the database would not take; they are in
    `rejects`. `promoted` candidates were proved to be denials by this commit; they come on top of `denials`.
    `explained` denials, the promoted among them, have a verdict now that an error log has a part in.
    """

    denials: int
    duplicates: int
    refused: int = 0
    promoted: int = 0
    explained: int = 0


def append(
    db: Database,
    commit: Commit,
    now: datetime | None = None,
    explain: Mapping[str, Explain] = MappingProxyType({}),
) -> Appended:
    """Stores `commit`, whole or not at all; `now` is the wall clock (UTC).

    `explain` says of a source how its requests and the entries of its error log go together. Raises Superseded when a
    checkpoint is not where its batch begins, AlreadySeen when a pushed entry is stored, StoreError when the database is
    not there or its disk is nearly full.
    """
    now = now or datetime.now(UTC)
    db.room.check()
    with db.write() as connection:
        for batch in commit.batches:
            move(connection, batch.move, now)
            remember(connection, batch.source, batch.entries, now)
        return _Appending(connection, commit, now).done(explain)


class _Appending:
    def __init__(self, connection: Connection, commit: Commit, now: datetime) -> None:
        self._connection = connection
        self._commit = commit
        self._now = now
        self._refused: list[pl.DataFrame] = []

    def done(self, explain: Mapping[str, Explain]) -> Appended:
        denials, duplicates = self._new_rows(tables.denials, self._lines("denials", JUDGED))
        stored = self._put(tables.denials, denials, bulk.insert)
        candidates, _ = self._new_rows(tables.candidates, self._lines("candidates", JUDGED))
        self._put(tables.candidates, self._dated(candidates), bulk.insert)
        companions = self._lines("companions", COMPANIONS, lambda batch: batch.explains or batch.source)
        self._put(tables.companion_evidence, self._dated(companions), bulk.insert_new)
        if not stored.is_empty():
            self._put(tables.denied_minutes, _per_minute(stored), bulk.add)
        proved, told = self._explained(explain, [stored, candidates, companions])
        self._put(tables.traffic, self._frame("traffic", self._named), bulk.add)
        self._put(tables.activity, self._frame("activity", lambda _: []), bulk.add)
        refused = self._rejects()
        return Appended(stored.height, duplicates, refused, proved, told)

    def _explained(self, explain: Mapping[str, Explain], halves: list[pl.DataFrame]) -> tuple[int, int]:
        """Lets the new halves meet what waits for them; how many candidates are denials now, and how many are told."""
        halves = [half.select("source", "time") for half in halves if explain and not half.is_empty()]
        if not halves:
            return 0, 0
        spans = pl.concat(halves).group_by("source").agg(pl.col("time").min(), pl.col("time").max().alias("last"))
        promoted, told = 0, 0
        for source, first, last in spans.rows():
            if source not in explain:
                continue
            found = explain_stored(self._connection, self._commit.instance, source, (first, last), explain[source])
            if found is not None:
                promoted += self._put(tables.denials, found.promoted, bulk.insert).height
                told += found.promoted.height + found.after.height
                self._count_anew(found)
        return promoted, told

    def _count_anew(self, found: Explained) -> None:
        """What is a denial now is counted, and what has another cause now is counted under that one."""
        taken_back = _per_minute(found.before).with_columns(-pl.col("n"))
        counts = pl.concat([_per_minute(found.promoted), _per_minute(found.after), taken_back])
        self._put(tables.denied_minutes, counts, bulk.add)
        if not taken_back.is_empty():
            c = tables.denied_minutes.c
            minutes = c.minute.between(taken_back["minute"].min(), taken_back["minute"].max())
            self._connection.execute(delete(tables.denied_minutes).where(minutes, c.n <= 0))

    def _frame(self, name: str, more: Callable[[SourceBatch], list[pl.Expr]], *columns: str) -> pl.DataFrame:
        """The frames `name` of all batches as one, with `more` columns; a frame without columns if there is no row."""
        frames = [
            frame.select(*(columns or [pl.all()]), *more(batch))
            for batch in self._commit.batches
            if not (frame := getattr(batch.parsed, name)).is_empty()
        ]
        return fit_frame(pl.concat(frames), self._now) if frames else _NOTHING

    def _lines(
        self,
        name: str,
        columns: Mapping[str, object],
        source: Callable[[SourceBatch], str] = lambda batch: batch.source,
    ) -> pl.DataFrame:
        """The same with where each line comes from: instance, source, generation."""

        def where(batch: SourceBatch) -> list[pl.Expr]:
            return [*self._named(batch, source(batch)), pl.lit(batch.move.to.generation, pl.Int64).alias("generation")]

        return self._frame(name, where, *columns)

    def _named(self, batch: SourceBatch, source: str | None = None) -> list[pl.Expr]:
        return [pl.lit(self._commit.instance).alias("instance"), pl.lit(source or batch.source).alias("source")]

    def _dated(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame if frame.is_empty() else frame.with_columns(stored_at=self._moment())

    def _moment(self) -> pl.Expr:
        return pl.lit(self._now).cast(TIME)

    def _new_rows(self, table: Table, rows: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        """The rows that are not stored yet, and how many are."""
        if rows.is_empty():
            return rows, 0
        fresh = rows.unique(["generation", "origin_offset"], keep="first", maintain_order=True)
        for generation in fresh["generation"].unique():
            offsets = fresh["origin_offset"].filter(fresh["generation"] == generation)
            there = self._connection.scalars(
                select(table.c.origin_offset).where(
                    table.c.generation == generation, table.c.origin_offset.between(offsets.min(), offsets.max())
                )
            ).all()
            if there:
                fresh = fresh.filter((pl.col("generation") != generation) | ~pl.col("origin_offset").is_in(there))
        return fresh, rows.height - fresh.height

    def _put(
        self, table: Table, frame: pl.DataFrame, write: Callable[[Connection, Table, pl.DataFrame], None]
    ) -> pl.DataFrame:
        """The rows that the database took; the others wait to become rejects."""
        taken, refused = put(self._connection, frame, lambda rows: write(self._connection, table, rows))
        if not refused.is_empty():
            self._refused.append(_as_rejects(table, refused, self._commit.instance))
        return taken

    def _rejects(self) -> int:
        """Stores the batches' rejects and the refused rows, with their counts; how many were refused."""
        refused = pl.concat(self._refused, how="diagonal_relaxed") if self._refused else _REJECTED
        samples = [self._lines("rejects", REJECTS), refused.filter(pl.col("origin_offset").is_not_null())]
        samples = [frame for frame in samples if not frame.is_empty()]
        if samples:
            bulk.insert_new(
                self._connection,
                tables.rejects,
                pl.concat(samples, how="diagonal_relaxed").with_columns(seen_at=self._moment()),
            )
        counts = [
            (self._commit.instance, batch.source, reason, n)
            for batch in self._commit.batches
            for reason, n in batch.parsed.reject_counts.items()
        ]
        counts += [(row["instance"], row["source"], REFUSED, 1) for row in refused.iter_rows(named=True)]
        if counts:
            frame = pl.DataFrame(
                counts, {"instance": pl.String, "source": pl.String, "reason": pl.String, "n": pl.Int64}, orient="row"
            ).with_columns(hour=self._moment().dt.truncate("1h"))
            bulk.add(self._connection, tables.reject_counts, fit_frame(frame, self._now))
        return refused.height


_NOTHING = pl.DataFrame()
_REJECTED = pl.DataFrame(
    schema={
        "instance": pl.String,
        "source": pl.String,
        "generation": pl.Int64,
        "origin_offset": pl.Int64,
        "reason": pl.String,
        "sample": pl.String,
    }
)


def _as_rejects(table: Table, rows: pl.DataFrame, instance: str) -> pl.DataFrame:
    """The refused rows of `table` as rejects; those of a table of counts belong to no line."""
    sample = pl.lit(f"{table.name}: ") + pl.struct(pl.all()).struct.json_encode().str.slice(0, SAMPLE_CHARACTERS)
    rejected = rows.with_columns(sample=sample, reason=pl.lit(REFUSED), instance=pl.lit(instance))
    missing = [
        pl.lit(None, dtype).alias(name) for name, dtype in _REJECTED.schema.items() if name not in rejected.columns
    ]
    return rejected.with_columns(missing).select(
        pl.col("source").fill_null("") if name == "source" else pl.col(name).cast(dtype)
        for name, dtype in _REJECTED.schema.items()
    )


def _per_minute(denials: pl.DataFrame) -> pl.DataFrame:
    """Rows of `denied_minutes` for these rows of `denials`."""
    keys = ["instance", "source", "client", "ip", "route", "status", "cause"]
    return denials.group_by(pl.col("time").dt.truncate("1m").alias("minute"), *keys).agg(
        pl.len().cast(pl.Int64).alias("n")
    )
