"""Builds commits for tests: judged denials with sensible values, and the checkpoint they move."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from log_sentinel.model.columns import ACTIVITY, COMPANIONS, JUDGED, REJECTS, TRAFFIC, empty
from log_sentinel.model.commit import Commit, SourceBatch
from log_sentinel.model.lines import Checkpoint, Move
from log_sentinel.model.parsed import ParsedLines
from log_sentinel.store.generations import StoredCheckpoints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_sentinel.store.engine import Database

TEN = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
LINE_BYTES = 100


def denial(number: int, **values: Any) -> dict[str, Any]:
    """The `number`-th line of a generation as a denied request; seconds apart, each LINE_BYTES long."""
    return dict.fromkeys(JUDGED) | {
        "time": TEN + timedelta(seconds=number),
        "time_is": "end",
        "format": "nginx-combined",
        "gateway": "nginx",
        "origin_offset": number * LINE_BYTES,
        "method": "GET",
        "path": f"/orders/{number}",
        "route": "/orders/{id}",
        "status": 403,
        "client": "acme",
        "ip": "198.51.100.7",
        "denied_by": "gateway",
        "cause": "ip_restriction",
        "cause_confidence": 0.8,
        "cause_alternatives": '[["unknown", 0.2]]',
        "evidence": '[{"field": "status", "value": "403", "says": "denied"}]',
        "rules_version": 1,
        **values,
    }


def judged(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=JUDGED)


def parsed(
    rows: list[dict[str, Any]],
    *,
    candidates: list[dict[str, Any]] | None = None,
    companions: list[dict[str, Any]] | None = None,
    rejects: list[tuple[int, str, str]] | None = None,
    counts: Mapping[str, int] | None = None,
) -> ParsedLines:
    """What a parser and the diagnosis would hand over for these denied lines and as many allowed ones."""
    denials = judged(rows)
    return ParsedLines(
        denials=denials,
        candidates=judged(candidates or []),
        traffic=pl.concat(
            [
                denials.select(pl.col("time").dt.truncate("1m").alias("minute"), "route", "status"),
                denials.select(
                    pl.col("time").dt.truncate("1m").alias("minute"), "route", pl.lit(200, pl.Int16).alias("status")
                ),
            ]
        )
        .group_by("minute", "route", "status")
        .agg(pl.len().cast(pl.Int64).alias("n"))
        .select(*TRAFFIC),
        activity=denials.filter(pl.col("client").is_not_null())
        .group_by(
            pl.col("time").dt.truncate("1h").alias("hour"),
            pl.lit("client").alias("dimension"),
            pl.col("client").alias("key"),
            pl.col("status").alias("status_class"),
        )
        .agg(pl.len().cast(pl.Int64).alias("n"))
        .select(*ACTIVITY),
        companions=pl.DataFrame(companions, schema=COMPANIONS) if companions else empty(COMPANIONS),
        rejects=pl.DataFrame(rejects or [], schema=REJECTS, orient="row"),
        reject_counts=dict(counts or {}),
        lines=2 * denials.height,
    )


class Log:
    """A generation of one source and how far it was committed."""

    def __init__(self, db: Database, source: str = "edge", instance: str = "edge-1", inode: int = 1) -> None:
        self.instance = instance
        new = Checkpoint(0, source, f"/var/log/{source}.log", 2049, inode, 16, "aa" * 16, 0, 0, "", 0)
        self.at = StoredCheckpoints(db, instance).begin(new)

    def commit(self, lines: ParsedLines, to: int) -> Commit:
        """A commit that moves the checkpoint from where it is to the byte `to`; `at` is where it then stands."""
        step = Move(self.at.offset, replace(self.at, offset=to, size_seen=to))
        self.at = step.to
        return Commit(self.instance, (SourceBatch(self.at.source, lines, step),))
