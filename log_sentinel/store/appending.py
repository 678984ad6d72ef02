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
from sqlalchemy import select

from log_sentinel.model.columns import COMPANIONS, JUDGED, REJECTS, TIME, empty
from log_sentinel.store import bulk, tables
from log_sentinel.store.generations import Superseded, move
from log_sentinel.store.halving import put
from log_sentinel.store.promoting import promoted
from log_sentinel.store.push_seen import AlreadySeen, remember
from log_sentinel.store.sanitising import fit_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection

    from log_sentinel.model.commit import Commit, SourceBatch
    from log_sentinel.model.finding import Finding
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
    """

    denials: int
    duplicates: int
    refused: int = 0
    promoted: int = 0


def append(
    db: Database,
    commit: Commit,
    now: datetime | None = None,
    findings: Mapping[str, Finding] = MappingProxyType({}),
) -> Appended:
    """Stores `commit`, whole or not at all; `now` is the wall clock (UTC).

    `findings` says what each kind of companion line proves of a candidate. Raises Superseded when a checkpoint is not
    where its batch begins, AlreadySeen when a pushed entry is stored, StoreError when the database is not there or its
    disk is nearly full.
    """
    now = now or datetime.now(UTC)
    db.room.check()
    with db.write() as connection:
        for batch in commit.batches:
            move(connection, batch.move, now)
            remember(connection, batch.source, batch.entries, now)
        return _Appending(connection, commit, now).done(findings)


class _Appending:
    def __init__(self, connection: Connection, commit: Commit, now: datetime) -> None:
        self._connection = connection
        self._commit = commit
        self._now = now
        self._refused: list[pl.DataFrame] = []

    def done(self, findings: Mapping[str, Finding]) -> Appended:
        denials, duplicates = self._new_rows(tables.denials, self._lines("denials", JUDGED))
        stored = self._put(tables.denials, denials, bulk.insert)
        candidates, _ = self._new_rows(tables.candidates, self._lines("candidates", JUDGED))
        self._put(tables.candidates, candidates.with_columns(stored_at=self._moment()), bulk.insert)
        companions = self._lines("companions", COMPANIONS).with_columns(stored_at=self._moment())
        self._put(tables.companion_evidence, companions, bulk.insert_new)
        proved = self._promote(findings)
        self._put(tables.denied_minutes, _per_minute(pl.concat([stored, proved])), bulk.add)
        self._put(tables.traffic, self._frame(lambda batch: self._named(batch.parsed.traffic, batch)), bulk.add)
        self._put(tables.activity, self._frame(lambda batch: batch.parsed.activity), bulk.add)
        refused = self._rejects()
        return Appended(stored.height, duplicates, refused, proved.height)

    def _promote(self, findings: Mapping[str, Finding]) -> pl.DataFrame:
        """Stores the candidates that are proved now; the rows, as `denials` holds them."""
        columns = [*JUDGED, "instance", "source", "generation"]
        proved = [_NO_ROWS]
        for source in dict.fromkeys(batch.source for batch in self._commit.batches) if findings else ():
            batches = [batch.parsed for batch in self._commit.batches if batch.source == source]
            times = pl.concat([frame["time"] for parsed in batches for frame in (parsed.candidates, parsed.companions)])
            first, last = times.min(), times.max()
            if isinstance(first, datetime) and isinstance(last, datetime):
                between = (first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))
                rows = promoted(self._connection, self._commit.instance, source, between, findings)
                proved.append(self._put(tables.denials, rows.select(columns), bulk.insert))
        return pl.concat(proved)

    def _frame(self, of: Callable[[SourceBatch], pl.DataFrame]) -> pl.DataFrame:
        return fit_frame(pl.concat([of(batch) for batch in self._commit.batches]), self._now)

    def _lines(self, name: str, columns: Mapping[str, object]) -> pl.DataFrame:
        """The frames `name` of all batches, with where each line comes from."""
        return self._frame(
            lambda batch: self._named(getattr(batch.parsed, name).select(*columns), batch).with_columns(
                generation=pl.lit(batch.move.to.generation, pl.Int64)
            )
        )

    def _named(self, frame: pl.DataFrame, batch: SourceBatch) -> pl.DataFrame:
        return frame.with_columns(instance=pl.lit(self._commit.instance), source=pl.lit(batch.source))

    def _moment(self) -> pl.Expr:
        return pl.lit(self._now).cast(TIME)

    def _new_rows(self, table: Table, rows: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        """The rows that are not stored yet, and how many are."""
        fresh = rows.unique(["generation", "origin_offset"], keep="first", maintain_order=True)
        for generation, first, last in (
            fresh.group_by("generation")
            .agg(pl.col("origin_offset").min(), pl.col("origin_offset").max().alias("last"))
            .rows()
        ):
            there = self._connection.scalars(
                select(table.c.origin_offset).where(
                    table.c.generation == generation, table.c.origin_offset.between(first, last)
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
        refused = pl.concat([_REJECTED.clear(), *self._refused], how="diagonal_relaxed")
        samples = pl.concat(
            [self._lines("rejects", REJECTS), refused.filter(pl.col("origin_offset").is_not_null())],
            how="diagonal_relaxed",
        )
        if not samples.is_empty():
            bulk.insert_new(self._connection, tables.rejects, samples.with_columns(seen_at=self._moment()))
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


_NO_ROWS = empty(JUDGED).with_columns(
    instance=pl.lit(None, pl.String), source=pl.lit(None, pl.String), generation=pl.lit(None, pl.Int64)
)
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
    wanted = {name: dtype for name, dtype in _REJECTED.schema.items() if name in rejected.columns}
    return rejected.select(pl.col(name).cast(dtype) for name, dtype in wanted.items()).with_columns(
        source=pl.col("source") if "source" in wanted else pl.lit("")
    )


def _per_minute(denials: pl.DataFrame) -> pl.DataFrame:
    """Rows of `denied_minutes` for these rows of `denials`."""
    keys = ["instance", "source", "client", "ip", "route", "status", "cause"]
    return denials.group_by(pl.col("time").dt.truncate("1m").alias("minute"), *keys).agg(
        pl.len().cast(pl.Int64).alias("n")
    )
