"""Makes denials of candidates that a line of the error log proves to be denied, whichever file was read first.

A 503 may be a server that is down or a rate limit; its own line does not tell, nginx's error.log does. Candidates and
evidence wait in their tables; when either comes, the other is looked for. One line of evidence speaks for one request:
the same address and request line, and at most a few seconds between them (an error log has whole seconds, and a request
is logged when it ends, its refusal when it begins).
Promoted rows, their counts and the end of both waits enter with the commit that brought the second half.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import delete, select

from log_sentinel.model.columns import COMPANIONS, JUDGED
from log_sentinel.store.frames import frame_of
from log_sentinel.store.tables import candidates
from log_sentinel.store.tables import companion_evidence as evidence

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from log_sentinel.model.finding import Finding

APART = timedelta(seconds=3)
# Of each side, looked at in one commit; more wait for the next, or for the retention
AT_ONCE = 50_000
# SQLite binds 32766 values a statement at most
OFFSETS_A_STATEMENT = 10_000
PLACE = {"instance": pl.String, "source": pl.String, "generation": pl.Int64}


def promoted(
    connection: Connection,
    instance: str,
    source: str,
    between: tuple[datetime, datetime],
    findings: Mapping[str, Finding],
) -> pl.DataFrame:
    """Takes the candidates of `source` that are proved from their table, and their evidence: JUDGED and where from.

    `between` is the time (UTC) of the newly come lines of either kind; `findings` says what each kind of evidence
    means. Kinds without a finding prove nothing and stay.
    """
    since, until = between[0] - APART, between[1] + APART
    waiting = frame_of(connection, _waiting(candidates, JUDGED | PLACE, instance, source, since, until), JUDGED | PLACE)
    said = frame_of(
        connection,
        _waiting(evidence, PLACE | COMPANIONS, instance, source, since, until).where(
            evidence.c.kind.in_(list(findings))
        ),
        PLACE | COMPANIONS,
    )
    if waiting.is_empty() or said.is_empty():
        return waiting.clear()
    pairs = _paired(waiting, said)
    if pairs.is_empty():
        return waiting.clear()
    _end_wait(connection, candidates, pairs.select("generation", "origin_offset"))
    _end_wait(connection, evidence, pairs.select(generation="said_generation", origin_offset="said_offset"))
    return _with_verdict(waiting, pairs, findings)


def _waiting(
    table: Any, columns: Mapping[str, Any], instance: str, source: str, since: datetime, until: datetime
) -> Any:
    c = table.c
    return (
        select(*(c[name] for name in columns))
        .where(c.instance == instance, c.source == source, c.time >= since, c.time <= until)
        .order_by(c.time, c.generation, c.origin_offset)
        .limit(AT_ONCE)
    )


def _paired(waiting: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """Pairs of a candidate and a line of evidence, each in one pair at most, the first with the first.

    Columns: generation, origin_offset, said_generation, said_offset, kind, zone, says.
    """
    requests = waiting.select(
        "generation",
        "origin_offset",
        "time",
        address="ip",
        request=pl.concat_str(pl.col("method"), pl.lit(" "), pl.col("path")),
    )
    lines = said.select(
        said_generation="generation",
        said_offset="origin_offset",
        said_time="time",
        address="client",
        # "GET /a?b HTTP/1.1": the stored path has no query
        request=pl.col("request").str.extract(r"^(\S+ [^\s?]*)", 1),
        kind="kind",
        zone="zone",
        says="says",
    )
    near = (
        requests.join(lines, on=["address", "request"], how="inner")
        .filter((pl.col("time") - pl.col("said_time")).abs() <= APART)
        .sort("said_time", "said_generation", "said_offset", "time", "generation", "origin_offset")
    )
    return _one_to_one(near).select(
        "generation", "origin_offset", "said_generation", "said_offset", "kind", "zone", "says"
    )


def _one_to_one(near: pl.DataFrame) -> pl.DataFrame:
    """Of all near pairs, in their order, those whose request and line are both still free."""
    taken_requests: set[tuple[int, int]] = set()
    taken_lines: set[tuple[int, int]] = set()
    keep: list[bool] = []
    for generation, offset, said_generation, said_offset in near.select(
        "generation", "origin_offset", "said_generation", "said_offset"
    ).iter_rows():
        request, line = (generation, offset), (said_generation, said_offset)
        free = request not in taken_requests and line not in taken_lines
        keep.append(free)
        if free:
            taken_requests.add(request)
            taken_lines.add(line)
    return near.filter(pl.Series(keep, dtype=pl.Boolean))


def _with_verdict(waiting: pl.DataFrame, pairs: pl.DataFrame, findings: Mapping[str, Finding]) -> pl.DataFrame:
    """The paired candidates with the verdict of their evidence in place of their own."""
    verdicts = pl.DataFrame(
        [
            (kind, found.denied_by.value, found.cause.value, found.confidence, json.dumps(list(found.alternatives)))
            for kind, found in findings.items()
        ],
        schema={
            "kind": pl.String,
            "denied_by": pl.String,
            "cause": pl.String,
            "cause_confidence": pl.Float64,
            "cause_alternatives": pl.String,
        },
        orient="row",
    )
    shown = pairs.with_columns(
        evidence=pl.struct("kind", "zone", "says").map_elements(_shown, return_dtype=pl.String)
    ).join(verdicts, on="kind", how="left")
    own = waiting.drop("denied_by", "cause", "cause_confidence", "cause_alternatives", "evidence")
    return own.join(shown.drop("kind", "zone", "says"), on=["generation", "origin_offset"], how="inner").select(
        *JUDGED, *PLACE
    )


def _shown(line: Mapping[str, str | None]) -> str:
    zone = f" by zone {line['zone']}" if line["zone"] else ""
    return json.dumps([{"field": "error_log", "value": f"{line['kind']}{zone}", "says": line["says"] or ""}])


def _end_wait(connection: Connection, table: Any, rows: pl.DataFrame) -> None:
    for (generation,), group in rows.group_by("generation"):
        offsets = group["origin_offset"].to_list()
        for first in range(0, len(offsets), OFFSETS_A_STATEMENT):
            some = table.c.origin_offset.in_(offsets[first : first + OFFSETS_A_STATEMENT])
            connection.execute(delete(table).where(table.c.generation == generation, some))
