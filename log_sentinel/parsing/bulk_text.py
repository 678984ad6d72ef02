"""The fast path over a batch of a text format: which lines are fit for it, what is counted, which requests are kept
whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.parsing.bulk import COUNTED, Taken
from log_sentinel.parsing.bulk_activity import ADDRESS
from log_sentinel.parsing.bulk_lines import BulkLines
from log_sentinel.parsing.cutting import Cutter, InOrder, cuttable, first_given
from log_sentinel.parsing.quoted import Quoted, quotable

if TYPE_CHECKING:
    from log_sentinel.parsing.canonical import Canonical
    from log_sentinel.parsing.layout import Layout
    from log_sentinel.parsing.line_starts import LineStarts
    from log_sentinel.parsing.text_lines import TextReader

# Signs of a line that needs more care than cuts: an escaped quote, NUL, a stray carriage return.
FIRST = "1"
UNUSUAL = ('\\"', "\0", "\r")


class BulkText:
    """Many lines of a text format."""

    def __init__(self, reader: TextReader, layout: Layout, canonical: Canonical, denied: frozenset[int]) -> None:
        self.reader, self.canonical, self.denied = reader, canonical, denied
        self.groups = layout.ranged(groups=True)
        # an element of a list, or the next field? only the careful path can tell
        self.unusual: tuple[str, ...] = (*UNUSUAL, " : ") if layout.has_lists else UNUSUAL
        self.unusual += ("#", "\\") if layout.escape == "haproxy" else ()
        self.cutter = self._cutter(layout)

    def _cutter(self, layout: Layout) -> Cutter | None:
        groups, clock = self.reader.groups, self.canonical.clock
        carried = [*COUNTED, *(ADDRESS[1:] if self.canonical.proxies else ())]
        if quotable(layout, groups, carried):
            return Quoted(layout, groups, carried, clock)
        cutter = InOrder(layout, groups, carried, clock)
        return cutter if cuttable(cutter.cuts) else None

    def read(self, batch: LineStarts, wanted: frozenset[int] | None) -> Taken | None:
        if self.cutter is None:
            return None
        data, many = batch.data, BulkLines(batch)
        lines = many.column
        fit = lines if many.is_ascii else lines.filter(pl.col("line").str.len_bytes() == pl.col("line").str.len_chars())
        for sign in self.unusual:
            if sign[0].encode() in data:  # one byte is found far quicker than two
                holds = fit["line"].str.contains(sign, literal=True)
                fit = fit.filter(~holds) if holds.any() else fit
        fit = _unblanked(fit, " \t" if b"\t" in data else " ")
        cut = self.cutter.cut(fit, many.data if fit is lines else None)
        whole = self._kept(lines, cut if wanted is None else cut.filter(pl.col("status").is_in(sorted(wanted))))
        refused = whole.filter(pl.col(FIRST).is_null())["index"].to_list()
        if refused:
            # a free text in them holds what may come after it
            cut = cut.filter(~pl.col("index").is_in(refused))
            whole = whole.filter(pl.col(FIRST).is_not_null())
        if cut.is_empty():
            return None
        return many.taken(cut, whole, self._inputs(whole), self.canonical, self.denied)

    def _kept(self, lines: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
        """`rows` with a column per field, named by its number from 1; all null where the line is left to the careful
        path."""
        return rows.with_columns(
            lines["line"].gather(rows["index"]).str.strip_chars_end(" \t").str.extract_groups(self.groups)
        ).unnest("line")

    def _inputs(self, whole: pl.DataFrame) -> dict[str, list[object]]:
        """What the fields of these lines say, by input."""
        given = {name: _first([str(number) for number in numbers]) for name, numbers in self.reader.groups.items()}
        inputs: dict[str, list[object]] = whole.select(**given).to_dict(as_series=False)
        return inputs


def _unblanked(fit: pl.DataFrame, blanks: str) -> pl.DataFrame:
    """`fit` as the careful path takes blanks off a line: at its end; what begins with one is left to that."""
    line, column = fit["line"], pl.col("line").str
    if any(line.str.starts_with(blank).any() for blank in blanks):
        fit = fit.filter(~pl.any_horizontal(column.starts_with(blank) for blank in blanks))
    ends = any(line.str.ends_with(blank).any() for blank in blanks)
    return fit.with_columns(column.strip_chars_end(blanks)) if ends else fit


def _first(names: list[str]) -> pl.Expr:
    """The first of these columns that is given; the first one's value, whatever it is, where none is."""
    return pl.col(names[0]) if len(names) == 1 else pl.coalesce(first_given(names), pl.col(names[0]))
