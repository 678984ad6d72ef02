"""A definition compiled: bytes of its format in, frames out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.model.columns import COMPANIONS, DENIALS, EVIDENCE_PREFIX, REJECTS, TIME, empty
from log_sentinel.model.parsed import ParsedLines
from log_sentinel.parsing import directive, log_format, nginx_variables, tally
from log_sentinel.parsing.addresses import TrustedProxies
from log_sentinel.parsing.bulk_json import BulkJson
from log_sentinel.parsing.bulk_text import BulkText
from log_sentinel.parsing.canonical import Canonical
from log_sentinel.parsing.careful import CarefulPath, LineReader, Rejected
from log_sentinel.parsing.definitions import BadDefinition
from log_sentinel.parsing.escapes import UNESCAPE
from log_sentinel.parsing.json_lines import JsonReader
from log_sentinel.parsing.line_starts import LineStarts
from log_sentinel.parsing.routes import Routes
from log_sentinel.parsing.text_lines import TextReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_sentinel.model.lines import Lines
    from log_sentinel.parsing.bulk import BulkReader
    from log_sentinel.parsing.definitions import Definition
    from log_sentinel.parsing.readings import Reading
    from log_sentinel.parsing.rows import Rows

# Below this many bytes a batch is read line by line: the fast path's fixed cost is a few milliseconds.
SMALL = {"text": 180_000, "json": 60_000}
REJECTS_SAMPLED = 20


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """What a source's parser is told beside its format.

    `statuses` are denials, `candidate_statuses` may turn out to be. `trusted_proxies` in CIDR notation. `zone` is
    that of times without an offset, where the definition names none. `route_cap` bounds the distinct routes of the
    source.
    """

    statuses: frozenset[int] = frozenset({403, 429})
    candidate_statuses: frozenset[int] = frozenset({503})
    trusted_proxies: tuple[str, ...] = ()
    zone: str = "UTC"
    route_cap: int = 2000


@dataclass(frozen=True, slots=True)
class Events:
    """Every request of a batch: `frame` has the columns of DENIALS, then the evidence's; `rejects` REJECTS, all of
    them."""

    frame: pl.DataFrame
    rejects: pl.DataFrame


@dataclass(slots=True)
class _Read:
    """A batch read, by whichever path."""

    rows: list[Rows]
    traffic: list[pl.DataFrame]
    activity: list[pl.DataFrame]
    rejected: Rejected
    lines: int = 0


@dataclass(slots=True)
class Parser:
    """Parses one source's lines. Threads may share one: what it remembers only saves time, but for the routes
    admitted."""

    definition: Definition
    options: ParseOptions
    canonical: Canonical
    reader: LineReader
    bulk: BulkReader
    _constants: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._constants = {
            "time_is": self.definition.time_is,
            "format": self.definition.name,
            "gateway": self.definition.gateway,
        }

    @property
    def routes_full(self) -> bool:
        """Whether the source has more routes than `route_cap`: the rest of them is {other}."""
        return self.canonical.routes.full

    def parse(self, lines: Lines) -> ParsedLines:
        """The frames of a batch. Lines that cannot be read are rejects, whatever they hold; nothing is raised for a
        line."""
        options = self.options
        read = self._read(lines, options.statuses | options.candidate_statuses, REJECTS_SAMPLED)
        kept = self._frame(read.rows)
        denied = pl.col("status").is_in(sorted(options.statuses))
        return ParsedLines(
            denials=kept.filter(denied),
            candidates=kept.filter(~denied),
            traffic=tally.summed(read.traffic),
            activity=tally.bounded(read.activity, options.statuses, read.lines),
            companions=empty(COMPANIONS),
            rejects=_rejects(read.rejected),
            reject_counts=read.rejected.counts,
            lines=read.lines,
        )

    def events(self, lines: Lines) -> Events:
        """All requests of a batch, of whatever status."""
        read = self._read(lines, None, None)
        return Events(self._frame(read.rows), _rejects(read.rejected))

    def _read(self, lines: Lines, wanted: frozenset[int] | None, sampled: int | None) -> _Read:
        batch = LineStarts(lines)
        rejected = Rejected(sampled)
        for offset, reason, head in lines.skipped:
            rejected.add(offset, reason, head)
        read = _Read([], [], [], rejected, lines=len(lines.skipped))
        taken = self.bulk.read(batch, wanted) if len(batch.data) >= SMALL[self.definition.kind] else None
        if taken is not None:
            read.rows.append(taken.rows)
            read.traffic.append(taken.traffic)
            read.activity += taken.activity
            read.lines += taken.lines
            if not taken.left:
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
        schema = DENIALS | {EVIDENCE_PREFIX + name: pl.String for name in self.canonical.evidence}
        frames = [self._made(rows, schema) for rows in parts if rows.offsets]
        if not frames:
            return empty(schema)
        return pl.concat(frames).sort("origin_offset") if len(frames) > 1 else frames[0]

    def _made(self, rows: Rows, schema: dict[str, pl.DataType | type[pl.DataType]]) -> pl.DataFrame:
        made = self.canonical.columns(rows)
        columns = [
            pl.Series(name, values, pl.Int64 if name == "time" else schema[name]) for name, values in made.items()
        ]
        others = [
            pl.lit(self._constants.get(name), dtype).alias(name) for name, dtype in schema.items() if name not in made
        ]
        return (
            pl.DataFrame(columns).lazy().with_columns(pl.col("time").cast(TIME), *others).select(list(schema)).collect()
        )


def compiled(definition: Definition, options: ParseOptions) -> Parser:
    """The parser of `definition`. Raises BadDefinition when its format lacks a time or a status or names a proxy that
    is none."""
    try:
        proxies = TrustedProxies(options.trusted_proxies)
    except ValueError as error:
        raise BadDefinition(
            definition.name, f"trusted_proxies: {error}; an address or a network such as 10.0.0.0/8."
        ) from None
    zone = definition.zone or options.zone
    evidence = {name: source.source for name, source in definition.evidence.items()}

    def _canonical(readings: Mapping[str, Reading], evidence: Mapping[str, object], escape: str) -> Canonical:
        unescape = UNESCAPE[escape]
        routes = Routes(options.route_cap, unescape)
        return Canonical(readings, tuple(evidence), unescape=unescape, zone=zone, proxies=proxies, routes=routes)

    if definition.kind == "json":
        readings = definition.readings()
        canonical = _canonical(readings, evidence, "none")
        json_reader = JsonReader(readings, evidence)
        return Parser(definition, options, canonical, json_reader, BulkJson(json_reader, canonical, options.statuses))
    text = definition.log_format or ""
    variables = log_format.Directive("", None, text).variables
    readings = nginx_variables.readings(variables) | definition.readings()
    evidence = {name: (name,) for name in nginx_variables.EVIDENCE if name in variables} | evidence
    for needed in ("time", "status"):
        if needed not in readings:
            raise BadDefinition(definition.name, f"log_format: no {needed}; an event needs one. Add its variable.")
    layout = directive.layout(text, definition.escape)
    canonical = _canonical(readings, evidence, definition.escape)
    reader = TextReader(layout, readings, evidence)
    return Parser(definition, options, canonical, reader, BulkText(reader, layout, canonical, options.statuses))


def _rejects(rejected: Rejected) -> pl.DataFrame:
    return pl.DataFrame(rejected.samples, schema=REJECTS, orient="row")
