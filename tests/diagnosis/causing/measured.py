"""How much of a log is read and how right its verdicts are, beside the journal of what was caused."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import polars as pl

from log_sentinel.daemon.judging import Format, judged
from log_sentinel.diagnosis.companions import explained
from log_sentinel.model.columns import JUDGED
from log_sentinel.parsing.companions import ErrorLogParser
from log_sentinel.parsing.compiling import ParseOptions, compiled
from tests.parsing.builders import batch

if TYPE_CHECKING:
    from log_sentinel.parsing.definitions import Definition
    from log_sentinel.parsing.error_logs import ErrorLog
    from tests.diagnosis.causing.situations import Journal

STATUSES = frozenset({401, 403, 429})
SURE = 0.7


@dataclass
class Measured:
    """`wrong`: (situation, denied_by, cause) of verdicts that are not right in either, and how many."""

    lines: int = 0
    read: int = 0
    spoilt: int = 0
    rejected: int = 0
    denials: int = 0
    by_right: int = 0
    cause_right: int = 0
    sure_and_wrong: int = 0
    missed: int = 0
    not_denials: int = 0
    wrong: Counter[tuple[str, str, str, float]] = field(default_factory=Counter)

    def __str__(self) -> str:
        shares = [f"{100 * right / max(1, self.denials):.1f} %" for right in (self.by_right, self.cause_right)]
        return (
            f"{self.read} of {self.lines} lines read, {self.rejected} of {self.spoilt} malformed rejected; "
            f"{self.denials} denials: by whom {shares[0]}, cause {shares[1]}, {self.sure_and_wrong} sure and wrong, "
            f"{self.missed} missed, {self.not_denials} that were none"
        )


def measured(
    form: Definition, log: bytes, journal: Journal, error_log: ErrorLog | None = None, entries: bytes = b""
) -> Measured:
    """Of `log`, with malformed lines put between its own, and of the verdicts, with `entries` at hand if any."""
    spoilt, number = with_malformed_lines(log)
    lines = log.count(b"\n")
    parser = compiled(form, ParseOptions(statuses=STATUSES, error_log=error_log is not None))
    parsed = judged(batch(spoilt), Format(parser, (form,))).parsed
    rejected = sum(parsed.reject_counts.values())
    found = Measured(lines=lines, read=parsed.lines - rejected, spoilt=number, rejected=rejected)
    denials = rows = parsed.denials
    if error_log is not None:
        every = pl.concat([denials, parsed.candidates])
        companions = ErrorLogParser(error_log, "UTC").parse(batch(entries)).companions
        told = explained(every, companions, error_log).select(list(JUDGED))
        rows = pl.concat([told, denials.join(told, on="origin_offset", how="anti")])
    caused = journal.denied()
    seen = set()
    for row in rows.iter_rows(named=True):
        rid = int(parse_qs(row["query"] or "").get("rid", ["0"])[0])
        each = caused.get(rid)
        if each is None:
            found.not_denials += rid in journal.asked and journal.asked[rid][1] != 0
            continue
        seen.add(rid)
        by_right = row["denied_by"] in (each.denied_by, *each.also)
        cause_right = row["cause"] in (each.cause, *each.also)
        found.by_right += by_right
        found.cause_right += cause_right
        found.sure_and_wrong += not cause_right and row["cause_confidence"] > SURE
        if not (by_right and cause_right):
            found.wrong[each.name, row["denied_by"], row["cause"], row["cause_confidence"]] += 1
    found.denials = len(caused)
    found.missed = len(caused) - len(seen)
    return found


def with_malformed_lines(log: bytes) -> tuple[bytes, int]:
    """`log` with lines between its own that are of no format, and how many these are."""
    dice = random.Random(len(log))
    out = []
    number = 0
    for line in log.splitlines(keepends=True):
        if dice.random() < 0.05:
            number += 1
            out.append(
                dice.choice(
                    [
                        line[: dice.randrange(1, 20)].rstrip(b"\n") + b"\n",
                        line.rstrip(b"\n")[dice.randrange(15, 30) :][:20] + b"\n",
                        b"\xff\xfe" + dice.randbytes(30).replace(b"\n", b"") + b"\n",
                        b"panic: runtime error: index out of range\n",
                        b'{"torn":"' + line[:40].rstrip(b"\n") + b"\n",
                    ]
                )
            )
        out.append(line)
    return b"".join(out), number
