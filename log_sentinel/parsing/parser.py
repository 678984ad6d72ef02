"""Bytes of one format in, frames out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.model.columns import COMPANIONS, DENIALS, EVIDENCE_PREFIX, REJECTS, TIME, empty
from log_sentinel.model.parsed import ParsedLines
from log_sentinel.parsing import tally
from log_sentinel.parsing.careful import CarefulPath, LineReader, Rejected
from log_sentinel.parsing.line_starts import LineStarts
from log_sentinel.parsing.pseudonyms import without_addresses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_sentinel.model.lines import Lines
    from log_sentinel.parsing.bulk import BulkReader
    from log_sentinel.parsing.canonical import Canonical
    from log_sentinel.parsing.definitions import Definition
    from log_sentinel.parsing.options import ParseOptions
    from log_sentinel.parsing.rows import Rows

# Below this many bytes a batch is read line by line: the fast path over text has a fixed cost of a few milliseconds,
# that over JSON has none.
SMALL = {"text": 180_000, "json": 0}
REJECTS_SAMPLED = 20
# Evidence that is in no line: an error log is read beside it, so that its silence says something too.
WATCHED = EVIDENCE_PREFIX + "watched"


@dataclass(frozen=True, slots=True)
class Events:
    """Every request of a batch: `frame` has the columns of DENIALS, then the evidence's; `rejects` REJECTS, all of
    them."""

    frame: pl.DataFrame
    rejects: pl.DataFrame


@dataclass(slots=True)
class _Read:
    """A batch read, by whichever path. `at_once`: by the fast one alone, whose activity is bounded already."""

    rows: list[Rows]
    traffic: list[pl.DataFrame]
    activity: list[pl.DataFrame]
    rejected: Rejected
    lines: int = 0
    at_once: bool = False


@dataclass(slots=True)
class Parser:
    """Parses one source's lines. Threads may share one: what it remembers only saves time, but for the routes
    admitted."""

    definition: Definition
    options: ParseOptions
    canonical: Canonical
    reader: LineReader
    bulk: BulkReader | None
    _constants: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._constants = {
            "time_is": self.definition.time_is,
            "format": self.definition.name,
            "gateway": self.definition.gateway,
        }
        if self.options.error_log:
            self._constants[WATCHED] = "error_log"

    @property
    def routes_full(self) -> bool:
        """Whether the source has more routes than `route_cap`: the rest of them is {other}."""
        return self.canonical.routes.full

    @property
    def evidence(self) -> tuple[str, ...]:
        """The evidence columns that the format has."""
        names = tuple(EVIDENCE_PREFIX + name for name in self.canonical.evidence)
        return (*names, WATCHED) if self.options.error_log else names

    def parse(self, lines: Lines, rejects_sampled: int | None = REJECTS_SAMPLED) -> ParsedLines:
        """The frames of a batch. Lines that cannot be read are rejects, whatever they hold; nothing is raised for one.

        `rejects_sampled` bounds the sample of rejects, not their counts (None: all of them are in it).
        """
        options = self.options
        read = self._read(lines, options.statuses | options.candidate_statuses, rejects_sampled)
        denials = self._frame(read.rows)
        candidates = denials.clear()
        if any(status not in options.statuses for rows in read.rows for status in rows.statuses):
            denied = denials["status"].is_in(sorted(options.statuses))
            denials, candidates = denials.filter(denied), denials.filter(~denied)
        return ParsedLines(
            denials=denials,
            candidates=candidates,
            traffic=tally.summed(read.traffic),
            activity=read.activity[0] if read.at_once else tally.bounded(read.activity, options.statuses, read.lines),
            companions=empty(COMPANIONS),
            rejects=self._rejects(read.rejected),
            reject_counts=read.rejected.counts,
            lines=read.lines,
        )

    def events(self, lines: Lines) -> Events:
        """All requests of a batch, of whatever status."""
        read = self._read(lines, None, None)
        return Events(self._frame(read.rows), self._rejects(read.rejected))

    def _read(self, lines: Lines, wanted: frozenset[int] | None, sampled: int | None) -> _Read:
        batch = LineStarts(lines)
        rejected = Rejected(sampled)
        for offset, reason, head in lines.skipped:
            rejected.add(offset, reason, head)
        read = _Read([], [], [], rejected, lines=len(lines.skipped))
        taken = None
        if self.bulk is not None and len(batch.data) >= SMALL[self.definition.kind]:
            taken = self.bulk.read(batch, wanted)
        if taken is not None:
            read.rows.append(taken.rows)
            read.traffic.append(taken.traffic)
            read.activity.append(taken.activity)
            read.lines += taken.lines
            if not taken.left:
                read.at_once = True
                return read
        numbers = range(len(batch.lines)) if taken is None else taken.left
        counts = tally.Tally(self.options.statuses)
        each = ((batch.offset(number), batch.lines[number]) for number in numbers)
        rows, seen = CarefulPath(self.reader, self.canonical, wanted).read(each, counts, rejected)
        read.rows.append(rows)
        read.traffic.append(counts.traffic())
        read.activity.append(counts.activity())
        read.lines += seen
        return read

    def _frame(self, parts: Sequence[Rows]) -> pl.DataFrame:
        """DENIALS and evidence columns, in the order of the lines."""
        schema = DENIALS | dict.fromkeys(self.evidence, pl.String)
        frames = [self._made(rows, schema) for rows in parts if rows.offsets]
        if not frames:
            return empty(schema)
        return pl.concat(frames).sort("origin_offset") if len(frames) > 1 else frames[0]

    def _made(self, rows: Rows, schema: dict[str, pl.DataType | type[pl.DataType]]) -> pl.DataFrame:
        made = self.canonical.columns(rows)

        def column(name: str, dtype: pl.DataType | type[pl.DataType]) -> pl.Series:
            if name not in made:
                return pl.Series(name, [self._constants.get(name)], dtype).new_from_index(0, len(rows.offsets))
            if name == "time":
                return pl.Series(name, made[name], pl.Int64).cast(TIME)
            return pl.Series(name, made[name], dtype)

        return pl.DataFrame([column(name, dtype) for name, dtype in schema.items()])

    def _rejects(self, rejected: Rejected) -> pl.DataFrame:
        samples = rejected.samples
        if self.options.conceal is not None:
            samples = [(offset, reason, without_addresses(sample)) for offset, reason, sample in samples]
        return pl.DataFrame(samples, schema=REJECTS, orient="row")
