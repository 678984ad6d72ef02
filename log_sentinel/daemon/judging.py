"""From lines to a judged batch: parse, then diagnose.

A parser that fails must not stop the lines behind the one that broke it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

import polars as pl
import structlog

from log_sentinel.diagnosis.verdict import LIMITED, Judge, judge_each
from log_sentinel.model import columns
from log_sentinel.model.commit import SourceBatch
from log_sentinel.model.parsed import ParsedLines
from log_sentinel.parsing.mixed import MixedParser

if TYPE_CHECKING:
    from log_sentinel.model.lines import Lines
    from log_sentinel.parsing.definitions import Definition

log = structlog.get_logger(__name__)

SAMPLE_BYTES = 300
PARSER_FAILED = "the parser failed on this line"


class Parses(Protocol):
    """A parser of whatever kind: of one format, of several in one file, of an error log."""

    def parse(self, lines: Lines) -> ParsedLines: ...


@dataclass(frozen=True, slots=True)
class Format:
    """How the lines of one source are read: parsed by `parser`, judged by the rules of `definitions`, the chief first.

    An error log has no definitions of requests: its lines explain those of the source `explains`.
    """

    parser: Parses
    definitions: tuple[Definition, ...] = ()
    explains: str | None = None
    _judges: dict[str, Judge] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_judges", {one.name: Judge(one) for one in self.definitions})

    def judge(self, frame: pl.DataFrame) -> pl.DataFrame:
        """JUDGED rows of the parser's denials or candidates."""
        if not self.definitions:
            return columns.empty(columns.JUDGED)
        if isinstance(self.parser, MixedParser):
            return judge_each(frame, self._judges, self.parser.evidence)
        return self._judges[self.definitions[0].name].of(frame)


class _NoLines:
    """Reads what a source passed over: no request, only what it says of lines it never cut out."""

    def parse(self, lines: Lines) -> ParsedLines:
        return _rejected(list(lines.skipped))


# For steps without a line (a byte order mark, a hole, the end of a file): they move a checkpoint and are of no format.
PASSED_OVER = Format(_NoLines())


def judged(lines: Lines, form: Format) -> SourceBatch:
    """The batch that `lines` make: parsed, its denials and candidates with their verdicts.

    Candidates whose own line says that a limit refused them are denials.
    """
    parsed = _parsed(lines, form)
    denials, candidates = form.judge(parsed.denials), form.judge(parsed.candidates)
    limited = candidates.filter(LIMITED)
    if not limited.is_empty():
        denials, candidates = pl.concat([denials, limited]).sort("origin_offset"), candidates.filter(~LIMITED)
    return SourceBatch(
        source=lines.source,
        parsed=replace(parsed, denials=denials, candidates=candidates),
        move=lines.move,
        entries=lines.entries,
        explains=form.explains,
    )


def _parsed(lines: Lines, form: Format) -> ParsedLines:
    try:
        return form.parser.parse(lines)
    except Exception:  # a fault of ours: the halves show which line it was, the others are not lost with it
        apart = _apart(lines)
        if len(apart) > 1:
            middle = len(apart) // 2
            first = replace(_of(lines, apart[:middle]), skipped=lines.skipped)
            return _joined([_parsed(first, form), _parsed(_of(lines, apart[middle:]), form)])
        log.exception("parser failed", source=lines.source, offset=lines.move.start)
        return _rejected([(offset, PARSER_FAILED, line) for offset, line in apart] + list(lines.skipped))


def _apart(lines: Lines) -> list[tuple[int, bytes]]:
    cut = lines.data.split(b"\n")
    whole = [line + b"\n" for line in cut[:-1]] + ([cut[-1]] if cut[-1] else [])
    if not whole:
        return []
    offsets = lines.offsets or accumulate((len(line) for line in whole[:-1]), initial=lines.move.start)
    return list(zip(offsets, whole, strict=True))


def _of(lines: Lines, apart: list[tuple[int, bytes]]) -> Lines:
    return replace(
        lines, data=b"".join(line for _, line in apart), offsets=tuple(offset for offset, _ in apart), skipped=()
    )


def _rejected(lines: list[tuple[int, str, bytes]]) -> ParsedLines:
    rejects = pl.DataFrame(
        [(offset, reason, line[:SAMPLE_BYTES].decode("utf-8", "backslashreplace")) for offset, reason, line in lines],
        schema=columns.REJECTS,
        orient="row",
    )
    return ParsedLines(
        denials=columns.empty(columns.DENIALS),
        candidates=columns.empty(columns.DENIALS),
        traffic=columns.empty(columns.TRAFFIC),
        activity=columns.empty(columns.ACTIVITY),
        companions=columns.empty(columns.COMPANIONS),
        rejects=rejects,
        reject_counts=Counter(reason for _, reason, _ in lines),
        lines=len(lines),
    )


def _joined(parts: list[ParsedLines]) -> ParsedLines:
    counts = sum((Counter(part.reject_counts) for part in parts), Counter[str]())

    def together(name: str) -> pl.DataFrame:
        frames: list[pl.DataFrame] = [getattr(part, name) for part in parts]
        return pl.concat(frames, how="diagonal_relaxed")

    return ParsedLines(
        denials=together("denials"),
        candidates=together("candidates"),
        traffic=together("traffic"),
        activity=together("activity"),
        companions=together("companions"),
        rejects=together("rejects"),
        reject_counts=counts,
        lines=sum(part.lines for part in parts),
    )
