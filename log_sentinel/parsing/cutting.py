"""The fast path of text formats: cuts over columns of lines instead of an expression over each.

A value is what lies before the first byte of the literal that follows it. Every line is checked to be of the format,
as the careful path would check it: times and statuses on their few distinct values, literals where the cuts are, what
is not cut by one scan. Lines that are not ASCII, hold an escaped quote or anything else unusual never come here;
whatever fails a check is not in the result and is read by the careful path. What is taken here, the careful path
would take the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import polars as pl

from log_sentinel.parsing.layout import NARROW, WIDTHS, Cut, Layout
from log_sentinel.parsing.request_line import PROTOCOLS
from log_sentinel.parsing.routes import ANY_METHOD
from log_sentinel.parsing.times import MINUTE
from log_sentinel.parsing.values import STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from log_sentinel.parsing.times import Clock

PROTOCOL_WIDTH = 9
COUNTED = ("time", "status", "request", "method", "target")


class Cutter(Protocol):
    """Cuts what counting needs out of many lines."""

    def cut(self, lines: pl.DataFrame, data: bytes | None) -> pl.DataFrame:
        """From index, line (ASCII, nothing unusual; `data` where that is these lines and no others): index, minute
        (Int64, milliseconds), status (Int16), the carried inputs, request ("METHOD path"). A line that is not in it was
        not taken."""


class InOrder:
    """Cuts field by field from the left until it has what counting needs; one scan checks the remainder."""

    def __init__(
        self, layout: Layout, groups: Mapping[str, tuple[int, ...]], carried: Sequence[str], clock: Clock
    ) -> None:
        """`groups`: the cuts (counted from 1) that each input may come from. `carried`: inputs wanted in the result."""
        self.clock = clock
        self.groups = needed(groups, carried)
        self.head, self.layout = layout.head, layout
        last = max(number for numbers in self.groups.values() for number in numbers)
        self.cuts = layout.cuts[:last]
        self.tail = layout.ranged(last)

    def cut(self, lines: pl.DataFrame, data: bytes | None) -> pl.DataFrame:
        wanted = {number for numbers in self.groups.values() for number in numbers}
        frame, checks = in_order(lines.lazy().rename({"line": "rest"}), self.head, self.cuts, wanted)
        checks.append(pl.col("rest").str.contains(self.tail))
        return finished(frame, checks, self.groups, self.clock.read)


def needed(groups: Mapping[str, tuple[int, ...]], carried: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Those of `groups` that counting needs, and the `carried`."""
    return {name: groups[name] for name in (*COUNTED, *carried) if name in groups}


def finished(
    frame: pl.LazyFrame,
    checks: Sequence[pl.Expr],
    groups: Mapping[str, tuple[int, ...]],
    read_time: Callable[[str], int | None],
) -> pl.DataFrame:
    """What a Cutter gives, of a frame of index and the `groups`' columns c1, c2, ... whose rows pass `checks` or are
    not taken."""
    frame = frame.select(
        "index",
        pl.all_horizontal(checks).alias("fits"),
        **{name: first_given([f"c{n}" for n in numbers]) for name, numbers in groups.items()},
    )
    if "request" in groups:
        request = pl.col("request")
        length = request.str.len_bytes().cast(pl.Int64) - PROTOCOL_WIDTH
        query = request.str.find("?", literal=True).cast(pl.Int64)
        frame = frame.with_columns(
            pl.col("fits") & pl.any_horizontal(request.str.ends_with(protocol) for protocol in sorted(PROTOCOLS)),
            request=sliced(request, 0, pl.max_horizontal(pl.min_horizontal(length, query), 0)),
        )
    else:
        method = (
            pl.col("method").replace({"-": ANY_METHOD, "": ANY_METHOD}) if "method" in groups else pl.lit(ANY_METHOD)
        )
        target = pl.col("target").fill_null("-") if "target" in groups else pl.lit("-")
        frame = frame.with_columns(line=pl.concat_str(method, target, separator=" "))
        line = pl.col("line")
        frame = frame.with_columns(request=sliced(line, 0, line.str.find("?", literal=True)))
    carried = [name for name in groups if name not in COUNTED]
    return typed(
        frame.select("index", "fits", "time", "status", *carried, "request").collect(),
        ("time", read_time),
        ("status", STATUSES.get),
    )


def in_order(
    frame: pl.LazyFrame, head: str, cuts: Sequence[Cut], wanted: set[int], first: int = 1
) -> tuple[pl.LazyFrame, list[pl.Expr]]:
    """Takes `cuts` off the column `rest`; the values of the `wanted` (counted from `first`) become columns c1, c2, ...

    Then what must hold of a row that fits. A cut that finds nothing leaves null, and null fits nothing.
    """
    checks: list[pl.Expr] = []
    rest = pl.col("rest")
    if head:
        fits_head = f"head{first}"
        frame = frame.with_columns(rest.str.starts_with(head).alias(fits_head), rest=sliced(rest, len(head)))
        checks.append(pl.col(fits_head))
    for number, cut in enumerate(cuts, first):
        width = WIDTHS.get(cut.shape) if cut.stop.kind == "shape" else None
        if width is not None:
            at: int | pl.Expr = width
        elif cut.literal:
            frame = frame.with_columns(p=rest.str.find(cut.literal[0], literal=True).cast(pl.Int64))
            at = pl.col("p")
        else:
            frame = frame.with_columns(rest.alias(f"c{number}"), rest=pl.lit(""))
            continue
        value, following = sliced(rest, 0, at), sliced(rest, at, len(cut.literal))
        fits = [*([following == cut.literal] if cut.literal else []), *_fits(cut, value)]
        frame = frame.with_columns(
            *([value.alias(f"c{number}")] if number in wanted else []),
            *([pl.all_horizontal(fits).alias(f"fit{number}")] if fits else []),
            rest=sliced(rest, at + len(cut.literal)),
        )
        checks += [pl.col(f"fit{number}")] if fits else []
    return frame, checks


def typed(
    frame: pl.DataFrame, time: tuple[str, Callable[[str], int | None]], status: tuple[str, Callable[[str], int | None]]
) -> pl.DataFrame:
    """`frame` without the rows whose `fits` is not true or whose time or status cannot be read: index, minute,
    status, and the columns that are none of these."""

    def to_minute(value: str) -> int | None:
        at = time[1](value)
        return None if at is None else at - at % MINUTE

    minute = _read(frame[time[0]], to_minute, pl.Int64).alias("minute")
    code = _read(frame[status[0]], status[1], pl.Int16).alias("status")
    others = [column for column in frame if column.name not in ("index", "fits", time[0], status[0])]
    typed = pl.DataFrame([frame["index"], minute, code, *others])
    fits = frame["fits"] & minute.is_not_null() & code.is_not_null()
    return typed if fits.all(ignore_nulls=False) else typed.filter(fits)


def cuttable(cuts: Sequence[Cut]) -> bool:
    """Whether `in_order` can take these cuts: every field that touches the next, or ends the line, has a width or the
    rest."""
    return all(cut.literal or cut.shape in WIDTHS or cut.stop.kind == "rest" for cut in cuts)


def first_given(columns: Sequence[str]) -> pl.Expr:
    """The first of `columns` that is neither empty nor "-"; the only one as it is."""
    if len(columns) == 1:
        return pl.col(columns[0])
    return pl.coalesce(pl.when(~pl.col(column).is_in(["", "-"])).then(pl.col(column)) for column in columns)


def sliced(column: pl.Expr, start: int | pl.Expr, length: int | pl.Expr | None = None) -> pl.Expr:
    """`length` bytes of an ASCII column from `start` on, which is not to be negative; all there are where it is
    null."""
    return column.cast(pl.Binary).bin.slice(start, length).cast(pl.String)


def _read(column: pl.Series, read: Callable[[str], int | None], dtype: type[pl.DataType]) -> pl.Series:
    """What each text of `column` is read as, told from its distinct ones; null for null."""
    distinct = column.unique().drop_nulls()
    # a place among the distinct values is found quicker than a value by its text
    places = column.cast(pl.Enum(distinct)).to_physical()
    return pl.Series([read(value) for value in distinct.to_list()], dtype=dtype).gather(places)


def _fits(cut: Cut, value: pl.Expr) -> list[pl.Expr]:
    """What must hold beside the literal for a cut at its first byte to be the careful path's.

    Nothing for most: times and statuses are judged on their distinct values, and the others end there by their rule.
    """
    if cut.stop.kind != "shape" or cut.shape in WIDTHS:
        return []
    if cut.shape == "list":
        return [~value.str.ends_with(",")]  # the list goes on after a blank
    return [value.str.contains(f"^{NARROW[cut.shape]}$")]
