"""What an error log adds to the verdict on a request: who was refused by which rule or limit, and in which zone.

An entry belongs to a request of the same address, method and path within two seconds; where the access log has the
number of the connection, of the same connection. A log may have the path decoded, and no method. Apache's entries have
no request but its path, or a file: it is what the path leads to when it ends with the path, or both end with the same
two names. When all entries have looked for those, it is enough that the file's last name is in the path, and for an
entry with none of these that the address is the same and the line itself does not tell: it neither names its cause nor
looks denied by the service behind. So little makes no denial of a server's failure. Each entry explains one request and
each request is explained once; of several that fit, the earliest.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict, deque
from dataclasses import replace
from datetime import timedelta
from posixpath import normpath
from typing import TYPE_CHECKING
from urllib.parse import unquote

import polars as pl

from log_sentinel.diagnosis.verdict import CompiledRule, finding, verdict_columns
from log_sentinel.model.finding import Cause, DeniedBy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from log_sentinel.parsing.error_logs import ErrorLog

WITHIN = timedelta(seconds=2)
# of a cause, where the entry and the request have little more in common than who asked and when
SURE_OF_LITTLE = 0.7
PATH_LIMIT = 2048
# an evidence of verdicts that rest on the silence of the error log
WATCHED = "watched"
# begin what an entry has in place of "METHOD path" when it names a path alone or a file
PATH, FILE = "= ", "* "
# begins what requests are queued under by the last two names of their path
ENDING = "/ "
# what all requests are queued under whose own line does not tell; no request looks so
UNTOLD = ""
BEHIND = [DeniedBy.UPSTREAM, DeniedBy.AUTH_SERVICE]
# written by `verdict.judge`; a value cannot look so, its quotes are escaped
CONNECTION = re.compile(r'"field": ?"connection", ?"value": ?"([0-9]{1,18})"')


def explained(requests: pl.DataFrame, companions: pl.DataFrame, definition: ErrorLog) -> pl.DataFrame:
    """Those of `requests` (JUDGED: denials, or candidates that thereby turn out to be) that an entry of `companions`
    (COMPANIONS) explains, with all columns of theirs and `companion` (Int64), the number of the entry's row.

    The verdict is the surer one of the two, but one that was drawn from the error log's silence is gone; the evidence
    is that of both. A rule of `definition` may ask for the columns of JUDGED and for kind and zone.
    """
    columns = dict(requests.schema) | {"companion": pl.Int64}
    pairs = list(_pairs(requests, companions))
    if not pairs:
        return pl.DataFrame(schema=columns)
    rules = [CompiledRule(rule) for rule in definition.verdicts]
    entries = companions.to_dicts()
    rows = []
    chosen = requests[[request for request, *_ in pairs]].iter_rows(named=True)
    for row, (_, entry, sure) in zip(chosen, pairs, strict=True):
        rows.append(_with_verdict(row, entries[entry], rules, definition, sure=sure) | {"companion": entry})
    return pl.DataFrame(rows, schema=columns)


def _pairs(requests: pl.DataFrame, companions: pl.DataFrame) -> Iterator[tuple[int, int, bool]]:
    """Row numbers of a request and of the entry that explains it, and whether they surely go together."""
    waiting = _Waiting(requests)
    sorted_entries = companions.with_row_index().sort("time")
    unsure = []
    for entry, time, client, connection, request in sorted_entries.select(
        "index", "time", "client", "connection", "request"
    ).rows():
        whose = connection if connection is not None and waiting.know_connections else client
        if whose is None:
            continue
        taken = (waiting.take(whose, key, time) for key in _keys(request))
        found = next((number for number in taken if number is not None), None)
        if found is not None:
            yield found, entry, True
        elif request is None or request.startswith(FILE):
            unsure.append((entry, time, whose, request))
    for entry, time, whose, request in unsure:
        file = request and request.removeprefix(FILE)
        found = waiting.take(whose, UNTOLD if file is None else None, time, file)
        if found is not None:
            yield found, entry, False


def _keys(request: str | None) -> Iterator[str]:
    """What an entry's request may be queued under, the surest first."""
    if request is None:
        return
    if request.startswith((PATH, FILE)):
        names = _names(request[len(FILE) :])
        for first in range(len(names) if request.startswith(FILE) else min(1, len(names))):
            yield PATH + "/".join(names[first:])
        if request.startswith(FILE):
            yield ENDING + "/".join(names[-2:])
    else:
        yield from (request, *_loosely(request))


def _names(path: str) -> list[str]:
    return [name for name in unquote(path).split("/") if name not in ("", ".")]


class _Waiting:
    """Requests that no entry has explained yet, by who asked (addresses, or the number of the connection) and what."""

    def __init__(self, requests: pl.DataFrame) -> None:
        self._rows = requests.select("time", "ip", "peer_ip", "method", "path", "evidence").rows()
        failed = (requests["status"] >= 500).to_list()
        told = pl.col("denied_by").is_in(BEHIND) | (pl.col("cause_confidence") >= SURE_OF_LITTLE)
        tells = requests.select(told).to_series().to_list()
        self._queues: dict[tuple[str | int, str | None], deque[int]] = defaultdict(deque)
        self._taken: set[int] = set()
        self.know_connections = False
        for number in sorted(range(len(self._rows)), key=lambda number: self._rows[number][0]):
            _, ip, peer, method, path, evidence = self._rows[number]
            connection = CONNECTION.search(evidence or "")
            self.know_connections |= connection is not None
            # nginx calls the socket's address the client, which behind a proxy is not the one we found
            for whose in {ip, peer, int(connection[1]) if connection else None} - {None}:
                exact = f"{method} {(path or '')[:PATH_LIMIT]}"
                self._queues[whose, exact].append(number)
                self._queues[whose, _loosely(exact)[method is None]].append(number)
                names = _names(path or "")
                self._queues[whose, PATH + "/".join(names)].append(number)
                if len(names) > 1:
                    self._queues[whose, ENDING + "/".join(names[-2:])].append(number)
                if not failed[number]:
                    self._queues[whose, None].append(number)
                if not (failed[number] or tells[number]):
                    self._queues[whose, UNTOLD].append(number)

    def take(self, whose: str | int, request: str | None, time: datetime, file: str | None = None) -> int | None:
        """The earliest request that fits, which then waits no more. Times of calls with the same key go up."""
        queue = self._queues.get((whose, request), deque())
        while queue and (queue[0] in self._taken or self._rows[queue[0]][0] < time - WITHIN):
            queue.popleft()
        for number in queue:
            at, *_, path, _ = self._rows[number]
            if at > time + WITHIN:
                return None
            if number not in self._taken and (file is None or _leads_to(path or "", file)):
                self._taken.add(number)
                return number
        return None


def _loosely(request: str) -> tuple[str, str]:
    """What is left of "METHOD path" in a log that has the path decoded and cleaned, and in one without methods."""
    method, _, path = request.partition(" ")
    cleaned = normpath(unquote(path)) if path.startswith("/") else path
    return f"{method} ~{cleaned}", f"~{cleaned}"


def _leads_to(path: str, file: str) -> bool:
    """Whether `file` may be what stands on the disk, or behind a proxy, for the beginning of `path`."""
    names = _names(path)
    return not names or file.rstrip("/").rpartition("/")[2] in names


def _with_verdict(
    row: dict[str, object], entry: dict[str, object], rules: list[CompiledRule], definition: ErrorLog, *, sure: bool
) -> dict[str, object]:
    seen = {
        name: None if value is None else str(value)
        for name, value in (row | {"kind": entry["kind"], "zone": entry["zone"]}).items()
    }
    judged = finding(seen, rules)
    if not sure:
        judged = replace(judged, confidence=min(judged.confidence, SURE_OF_LITTLE))
    found = verdict_columns(judged, definition.rules_version)
    zone = f" (zone {entry['zone']})" if entry["zone"] else ""
    said = {"field": "error_log", "value": f"{entry['kind']}{zone}", "says": entry["says"]}
    evidence = json.loads(str(row["evidence"]))
    # what was drawn from the error log's silence holds no more; what else it rests on is true still
    broken = any(each["field"] == WATCHED for each in evidence) and judged.cause != Cause.UNKNOWN
    surer = found if broken or float(str(found["cause_confidence"])) >= float(str(row["cause_confidence"])) else {}
    kept = [each for each in evidence if not (broken and each["says"])]
    return row | surer | {"evidence": json.dumps([said, *kept])}
