"""The fast path for layouts with quotes: the engine's CSV reader splits lines at every quote, many times quicker than
one can look for what ends each field.

A line with as many quotes as the layout is cut into as many pieces, and each must be what the layout has between two
quotes. What a client sent stands alone in most of them and needs no look: a quote in it is escaped, and such lines
never come here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.parsing.cutting import Last, cuttable, in_order, needed, sliced, split_at_quotes
from log_sentinel.parsing.layout import QUOTE, WIDTHS, Cut, Layout, Stop, narrow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from log_sentinel.parsing.times import Clock

ALL_BUT_QUOTES = narrow(Stop("quoted"), "text")


@dataclass(frozen=True, slots=True)
class Piece:
    """What stands between two quotes: a literal, then fields with what follows each. The first field's number is
    `first`."""

    head: str
    cuts: tuple[Cut, ...]
    first: int

    @property
    def is_free(self) -> bool:
        """Whether it may be anything without a quote."""
        return not self.head and len(self.cuts) == 1 and not self.cuts[0].literal and _is_free(self.cuts[0])

    def up_to(self, wanted: set[int]) -> int:
        """How many cuts there are up to the last that is wanted."""
        numbers = range(self.first, self.first + len(self.cuts))
        return max((number - self.first + 1 for number in numbers if number in wanted), default=0)

    def pattern(self, begin: int) -> str:
        """What the piece is like from cut number `begin` (from 0) on."""
        return Layout(self.head, self.cuts, "").ranged(begin, ends="$")


def pieces(layout: Layout) -> list[Piece]:
    """`layout` split at its quotes."""
    found: list[Piece] = []
    head, *more = layout.head.split(QUOTE)
    cuts: list[Cut] = []
    first = 1
    for number, cut in enumerate([None, *layout.cuts]):
        if cut is not None:
            literal, *more = cut.literal.split(QUOTE)
            cuts.append(replace(cut, literal=literal))
        for following in more:
            found.append(Piece(head, tuple(cuts), first))
            head, cuts, first = following, [], number + 1
    return [*found, Piece(head, tuple(cuts), first)]


def quotable(layout: Layout, groups: Mapping[str, tuple[int, ...]], carried: Sequence[str]) -> bool:
    """Whether `Quoted` can take the layout: it has quotes, and what counting needs can be cut out of the pieces."""
    split = pieces(layout)
    wanted = _numbers(needed(groups, carried))
    return len(split) > 2 and all(
        piece.is_free or _ends_with_time(piece, groups) or cuttable(piece.cuts[: piece.up_to(wanted)][:-1])
        for piece in split[:-1]
    )


class Quoted:
    """Cuts lines of a layout that is `quotable`."""

    def __init__(
        self, layout: Layout, groups: Mapping[str, tuple[int, ...]], carried: Sequence[str], clock: Clock
    ) -> None:
        """`groups`: the cuts (counted from 1) that each input may come from. `carried`: inputs wanted in the result."""
        split = pieces(layout)
        self.pieces = {f"column_{number}": piece for number, piece in enumerate(split, 1)}
        self.groups = needed(groups, carried)
        wanted = _numbers(self.groups)
        lengths = reduce(add, (pl.col(column).str.len_bytes() for column in self.pieces))
        checks = [pl.col("line").str.len_bytes() == lengths + len(split) - 1]
        self.steps: list[list[pl.Expr]] = []
        read_time: Callable[[str], int | None] = clock.read
        for column, piece in self.pieces.items():
            if piece is not split[-1] and _ends_with_time(piece, groups):
                timed = Timed(piece)
                read_time = timed.reading(clock)
                steps, more = timed.cut(pl.col(column), wanted)
            else:
                steps, more = _cut(pl.col(column), piece, wanted)
            self.steps += steps
            checks += more
        self.last = Last(checks, self.groups, read_time)

    def cut(self, lines: pl.DataFrame, data: bytes | None) -> pl.DataFrame:
        split = None if data is None else self._split(data)
        if split is None or split.height != lines.height:
            lines = lines.filter(pl.col("line") != "")
            split = self._split("\n".join(lines["line"].to_list()).encode())
        return self.last.of(lines.hstack(split.get_columns()).lazy(), self.steps)

    def _split(self, data: bytes) -> pl.DataFrame:
        return split_at_quotes(data, dict.fromkeys(self.pieces, pl.String))


def _cut(column: pl.Expr, piece: Piece, wanted: set[int]) -> tuple[list[list[pl.Expr]], list[pl.Expr]]:
    """The steps that cut the wanted fields out of a piece, and what must hold of it."""
    if piece.is_free:
        return [[column.alias(f"c{piece.first}")]] if piece.first in wanted else [], []
    if not piece.cuts:
        return [], [column == piece.head]
    cuts = piece.cuts[: piece.up_to(wanted)]
    if all(cut.shape in WIDTHS for cut in cuts):
        fields = _fixed(column, piece, wanted)
        return [fields] if fields else [], [column.str.contains(piece.pattern(0))]
    steps, checks = in_order(piece.head, cuts, wanted, piece.first)
    if len(cuts) < len(piece.cuts):
        ends = pl.col("rest").str.contains(piece.pattern(len(cuts)))
    elif cuttable(cuts[-1:]):
        ends = pl.col("rest") == ""
    else:
        ends = pl.col(f"c{piece.first + len(cuts) - 1}").str.contains(f"^{narrow(cuts[-1].stop, cuts[-1].shape)}$")
    name = f"ends{piece.first}"
    return [[column.alias("rest")], *steps, [ends.alias(name)]], [*checks, pl.col(name)]


def _fixed(column: pl.Expr, piece: Piece, wanted: set[int]) -> list[pl.Expr]:
    """The wanted fields of a piece before which all have a width."""
    at, fields = len(piece.head), []
    for number, cut in enumerate(piece.cuts[: piece.up_to(wanted)], piece.first):
        if number in wanted:
            fields.append(sliced(column, at, WIDTHS[cut.shape]).alias(f"c{number}"))
        at += WIDTHS[cut.shape] + len(cut.literal)
    return fields


class Timed:
    """The piece that ends with the time: it and the literals around it have few distinct values, and only those are
    looked at."""

    def __init__(self, piece: Piece) -> None:
        *before, time = piece.cuts
        self.piece = piece
        self.opening, self.width, self.closing = (
            before[-1].literal if before else piece.head,
            WIDTHS[time.shape],
            time.literal,
        )
        self.head = piece.head if before else ""
        # the last value before the opening runs to the end of what is before
        self.before = [*before[:-1], replace(before[-1], literal="")] if before else []

    def cut(self, column: pl.Expr, wanted: set[int]) -> tuple[list[list[pl.Expr]], list[pl.Expr]]:
        """The steps that cut its wanted fields, that of the time with the literals around it, and what must hold."""
        raw, width = column.cast(pl.Binary).bin, len(self.opening) + self.width + len(self.closing)
        number = self.piece.first + len(self.before)
        ends = [raw.tail(width).cast(pl.String).alias(f"c{number}"), raw.head(-width).cast(pl.String).alias("rest")]
        steps, checks = in_order(self.head, self.before, {*wanted, number - 1}, self.piece.first)
        if self.before and self.before[-1].stop.kind == "class":
            checks.append(~pl.col(f"c{number - 1}").str.contains(self.before[-1].stop.char, literal=True))
        return [ends, *steps], checks

    def reading(self, clock: Clock) -> Callable[[str], int | None]:
        """Reads a time that has the literals around it."""
        begin, end = len(self.opening), len(self.opening) + self.width
        length = end + len(self.closing)

        def read(value: str) -> int | None:
            fits = len(value) == length and value.startswith(self.opening) and value.endswith(self.closing)
            return clock.read(value[begin:end]) if fits else None

        return read


def _ends_with_time(piece: Piece, groups: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether the time is its last field, and of a fixed width, and what is before it ends by simple rules."""
    if groups.get("time") != (piece.first + len(piece.cuts) - 1,) or not piece.cuts:
        return False
    *before, time = piece.cuts
    simple = all(cut.stop.kind in ("class", "before") for cut in before)
    return time.stop.kind == "shape" and time.shape in WIDTHS and cuttable(before) and simple


def _is_free(cut: Cut) -> bool:
    return cut.stop.kind == "rest" or narrow(cut.stop, cut.shape) == ALL_BUT_QUOTES


def _numbers(groups: Mapping[str, tuple[int, ...]]) -> set[int]:
    return {number for numbers in groups.values() for number in numbers}
