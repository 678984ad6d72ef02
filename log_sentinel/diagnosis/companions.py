"""What an error log adds to the verdict on a request: who was refused by which rule or limit, and in which zone.

An entry belongs to a request of the same address, method and path (an entry without a request: of the same address)
within two seconds. Each entry explains one request and each request is explained once; of several that fit, the
earliest.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.diagnosis.verdict import CompiledRule, finding, verdict_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_sentinel.parsing.error_logs import ErrorLog

WITHIN = timedelta(seconds=2)
PATH_LIMIT = 2048


def explained(requests: pl.DataFrame, companions: pl.DataFrame, definition: ErrorLog) -> pl.DataFrame:
    """Those of `requests` (JUDGED: denials, or candidates that thereby turn out to be) that an entry of `companions`
    (COMPANIONS) explains, with all columns of theirs and `companion` (Int64), the number of the entry's row.

    The verdict is the surer one of the two; the evidence is that of both. A rule of `definition` may ask for the
    columns of JUDGED and for kind and zone.
    """
    columns = dict(requests.schema) | {"companion": pl.Int64}
    pairs = list(_pairs(requests, companions))
    if not pairs:
        return pl.DataFrame(schema=columns)
    rules = [CompiledRule(rule) for rule in definition.verdicts]
    entries = companions.to_dicts()
    rows = []
    for row, (_, entry) in zip(requests[[request for request, _ in pairs]].iter_rows(named=True), pairs, strict=True):
        rows.append(_with_verdict(row, entries[entry], rules, definition) | {"companion": entry})
    return pl.DataFrame(rows, schema=columns)


def _pairs(requests: pl.DataFrame, companions: pl.DataFrame) -> Iterator[tuple[int, int]]:
    """Row numbers of a request and of the entry that explains it."""
    waiting: dict[tuple[str | None, str | None], deque[int]] = defaultdict(deque)
    whose = requests.select("time", "ip", "method", "path").rows()
    for number in sorted(range(len(whose)), key=lambda number: whose[number][0]):
        _, ip, method, path = whose[number]
        waiting[ip, f"{method} {(path or '')[:PATH_LIMIT]}"].append(number)
        waiting[ip, None].append(number)
    taken: set[int] = set()
    for entry, time, client, request in (
        companions.with_row_index().sort("time").select("index", "time", "client", "request").rows()
    ):
        queue = waiting.get((client, request)) if client is not None else None
        while queue and (queue[0] in taken or whose[queue[0]][0] < time - WITHIN):
            queue.popleft()
        if queue and whose[queue[0]][0] <= time + WITHIN:
            taken.add(queue[0])
            yield queue.popleft(), entry


def _with_verdict(
    row: dict[str, object], entry: dict[str, object], rules: list[CompiledRule], definition: ErrorLog
) -> dict[str, object]:
    seen = {
        name: None if value is None else str(value)
        for name, value in (row | {"kind": entry["kind"], "zone": entry["zone"]}).items()
    }
    found = verdict_columns(finding(seen, rules), definition.rules_version)
    zone = f" (zone {entry['zone']})" if entry["zone"] else ""
    said = {"field": "error_log", "value": f"{entry['kind']}{zone}", "says": entry["says"]}
    evidence = [said, *json.loads(str(row["evidence"]))]
    surer = found if float(str(found["cause_confidence"])) >= float(str(row["cause_confidence"])) else {}
    return row | surer | {"evidence": json.dumps(evidence)}
