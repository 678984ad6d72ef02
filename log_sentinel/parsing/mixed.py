"""Several formats in one file: what one parser does not read, the next one gets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.model.columns import EVIDENCE_PREFIX
from log_sentinel.model.parsed import ParsedLines
from log_sentinel.parsing import tally
from log_sentinel.parsing.line_starts import LineStarts
from log_sentinel.parsing.parser import REJECTS_SAMPLED, Events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_sentinel.model.lines import Lines
    from log_sentinel.parsing.parser import Parser


@dataclass(frozen=True, slots=True)
class MixedParser:
    """Reads as `Parser` does, by several of them, the commonest format first.

    The column `format` says of each denial by whose rules it is to be judged.
    """

    parsers: Sequence[Parser]

    @property
    def evidence(self) -> dict[str, tuple[str, ...]]:
        """The evidence columns that each format has."""
        return {parser.definition.name: parser.evidence for parser in self.parsers}

    def parse(self, lines: Lines) -> ParsedLines:
        """The frames of a batch, whichever of its lines is of which format. Rejects are what no parser reads."""
        read = []
        left = lines
        for parser in self.parsers[:-1]:
            parsed = parser.parse(left, rejects_sampled=None)
            read.append(parsed)
            left = _lines_at(left, set(parsed.rejects["origin_offset"].to_list()))
        read.append(self.parsers[-1].parse(left))
        seen = read[0].lines
        return ParsedLines(
            denials=_together([each.denials for each in read]),
            candidates=_together([each.candidates for each in read]),
            traffic=tally.summed([each.traffic for each in read]),
            activity=tally.bounded([each.activity for each in read], self.parsers[0].options.statuses, seen),
            companions=read[0].companions,
            rejects=read[-1].rejects.head(REJECTS_SAMPLED),
            reject_counts=read[-1].reject_counts,
            lines=seen,
        )

    def events(self, lines: Lines) -> Events:
        """All requests of a batch, of whatever status and format; rejects are what no parser reads."""
        read = []
        left = lines
        for parser in self.parsers:
            found = parser.events(left)
            read.append(found)
            left = _lines_at(left, set(found.rejects["origin_offset"].to_list()))
        return Events(_together([each.frame for each in read]), read[-1].rejects)


def _lines_at(lines: Lines, offsets: set[int]) -> Lines:
    """The lines of `lines` that begin at these offsets; what was never cut out stays for the last parser to count."""
    starts = LineStarts(lines)
    numbers = [number for number in range(len(starts.lines)) if starts.offset(number) in offsets]
    return replace(
        lines,
        data=b"".join([starts.lines[number] + b"\n" for number in numbers]),
        offsets=tuple(starts.offset(number) for number in numbers),
    )


def _together(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Frames in the order of their lines; an evidence column that one lacks is null there."""
    evidence = sorted({name for frame in frames for name in frame.columns if name.startswith(EVIDENCE_PREFIX)})
    columns = [name for name in frames[0].columns if not name.startswith(EVIDENCE_PREFIX)] + evidence
    whole = [
        frame.with_columns(pl.lit(None, pl.String).alias(name) for name in evidence if name not in frame.columns)
        for frame in frames
    ]
    return pl.concat(frame.select(columns) for frame in whole).sort("origin_offset")
