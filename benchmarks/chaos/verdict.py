"""Compares what the database holds with what the journal says was written."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.chaos.lines import STATUSES, WINDOW_STATUS, Fact, Numbering
from benchmarks.chaos.rotations import LONGEST_WINDOW

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.chaos.databases import Database

DENIED = (403, WINDOW_STATUS)
EXAMPLES = 5
WINDOW_BYTES = LONGEST_WINDOW * 200


@dataclass
class Written:
    """By log: how many lines, how many of them in windows, and the rotations by mode."""

    lines: Counter[str] = field(default_factory=Counter)
    windowed: Counter[str] = field(default_factory=Counter)
    rotated: Counter[str] = field(default_factory=Counter)


@dataclass
class Verdict:
    """What is wrong, each with how often and some examples.

    `window_lost` nobody can have. `empty_gaps`: files of which nothing is missing as far as was seen, told as gaps all
    the same, because they were rotated and packed before a first byte of them was seen.
    """

    wrong: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    rows: int = 0
    requests: int = 0
    window_lost: int = 0
    empty_gaps: int = 0

    @property
    def good(self) -> bool:
        return not self.wrong.total()

    def add(self, what: str, example: object, count: int = 1) -> None:
        if count:
            self.wrong[what] += count
            shown = self.examples.setdefault(what, [])
            if len(shown) < EXAMPLES:
                shown.append(str(example))


def read_journal(path: Path) -> Written:
    written = Written()
    with path.open() as lines:
        for line in lines:
            what = json.loads(line)
            written.lines[what["log"]] += what.get("lines", 0)
            written.windowed[what["log"]] += what.get("window", 0)
            if "rotated" in what:
                written.rotated[what["rotated"]] += 1
    return written


def judge(database: Database, written: Written, began: datetime) -> Verdict:
    verdict = Verdict()
    for name in written.lines:
        numbering = Numbering(name, began)
        _judge_rows(database, numbering, written, verdict)
        _judge_counts(database, numbering, written, verdict)
    for source, path, read, seen in database.rows(
        "select source, path, \"offset\", size_seen from generations where state = 'gap'"
    ):
        # what was written into a window may have been seen before it was emptied, and so be told as a gap
        if read == seen:
            verdict.empty_gaps += 1
        elif not written.windowed[source] or seen - read > WINDOW_BYTES:
            verdict.add("gap", f"{path}: read to {read}, seen to {seen}")
    for source, reason, count in database.rows("select source, reason, n from reject_counts"):
        verdict.add("rejected", f"{source}: {reason}", int(count))
    return verdict


def _judge_rows(database: Database, numbering: Numbering, written: Written, verdict: Verdict) -> None:
    name = numbering.name
    times: Counter[str] = Counter()
    for path, status, ip, time in database.rows(f"select path, status, ip, time from denials where source = '{name}'"):
        verdict.rows += 1
        times[path] += 1
        if times[path] == 1 and Fact(path, status, ip, _moment(time)) != _expected(numbering, path):
            verdict.add("wrong", f"{path} {status} {ip} {time}")
    for path, count in times.items():
        verdict.add("double", path, count - 1)
    for number in range(written.lines[name]):
        if STATUSES[number % len(STATUSES)] == 403 and numbering.fact(number).path not in times:
            verdict.add("lost", numbering.fact(number).path)
    windowed = range(written.windowed[name])
    verdict.window_lost += sum(numbering.window_fact(number).path not in times for number in windowed)


def _expected(numbering: Numbering, path: str) -> Fact | None:
    kind, _, digits = path.removeprefix(f"/{numbering.name}/").partition("/")
    if not digits.isdigit():
        return None
    return numbering.fact(int(digits)) if kind == "n" else numbering.window_fact(int(digits))


def _judge_counts(database: Database, numbering: Numbering, written: Written, verdict: Verdict) -> None:
    """The requests of each minute and status; those of the windows by what `denials` has of them."""
    name = numbering.name
    expected: Counter[tuple[datetime, int]] = Counter()
    for number in range(written.lines[name]):
        fact = numbering.fact(number)
        expected[fact.time.replace(second=0), fact.status] += 1
    counted: Counter[tuple[datetime, int]] = Counter()
    windowed = 0
    for minute, status, requests in database.rows(f"select minute, status, n from traffic where source = '{name}'"):
        if status == WINDOW_STATUS:
            windowed += int(requests)
        else:
            counted[_moment(minute), status] += int(requests)
    verdict.requests += counted.total() + windowed
    for key in expected.keys() | counted.keys():
        verdict.add("requests too few", (name, *key), max(0, expected[key] - counted[key]))
        verdict.add("requests too many", (name, *key), max(0, counted[key] - expected[key]))
    in_minutes = {status: int(n) for status, n in _denied(database, "sum(n)", "denied_minutes", name)}
    in_rows = {status: int(n) for status, n in _denied(database, "count(*)", "denials", name)}
    for status in DENIED:
        verdict.add("denied minutes differ", (name, status), abs(in_minutes.get(status, 0) - in_rows.get(status, 0)))
    verdict.add("window counts differ", name, abs(windowed - in_rows.get(WINDOW_STATUS, 0)))


def _denied(database: Database, count: str, table: str, name: str) -> list[tuple[int, int]]:
    return list(database.rows(f"select status, {count} from {table} where source = '{name}' group by status"))


def _moment(value: object) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
