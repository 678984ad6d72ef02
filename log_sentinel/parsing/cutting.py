"""The fast path of text formats: cuts over columns of lines instead of an expression over each.

A value is what lies before the first byte of the literal that follows it. Every line is checked to be of the format,
as the careful path would check it: times and statuses on their few distinct values, literals where the cuts are, what
is not cut by one scan. Lines that are not ASCII, hold an escaped quote or anything else unusual never come here;
whatever fails a check is not in the result and is read by the careful path. What is taken here, the careful path
would take the same.
"""

from __future__ import annotations

from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Protocol

import polars as pl

from log_sentinel.parsing.layout import NARROW, QUOTE, WIDTHS, Cut, Layout
from log_sentinel.parsing.request_line import PROTOCOLS
from log_sentinel.parsing.routes import ANY_METHOD
from log_sentinel.parsing.times import MINUTE
from log_sentinel.parsing.values import STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

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

        self.steps, checks = in_order(self.head, self.cuts, {n for numbers in self.groups.values() for n in numbers})
        self.last = Last([*checks, pl.col("rest").str.contains(layout.ranged(last))], self.groups, clock.read)

    def cut(self, lines: pl.DataFrame, data: bytes | None) -> pl.DataFrame:
        return self.last.of(lines.lazy().rename({"line": "rest"}), self.steps)


def needed(groups: Mapping[str, tuple[int, ...]], carried: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Those of `groups` that counting needs, and the `carried`."""
    return {name: groups[name] for name in (*COUNTED, *carried) if name in groups}


class Last:
    """The last steps of any Cutter: inputs from the columns c1, c2, ..., the request without protocol and query."""

    def __init__(
        self,
        checks: Sequence[pl.Expr],
        groups: Mapping[str, tuple[int, ...]],
        read_time: Callable[[str], int | None],
    ) -> None:
        """Rows that do not pass `checks` are not taken. `groups`: the columns that each input may come from."""
        self.read_time = read_time
        inputs = {name: first_given([f"c{n}" for n in numbers]) for name, numbers in groups.items()}
        fits = reduce(and_, checks)
        if "request" in groups:
            request = pl.col("request")
            length = request.str.len_bytes().cast(pl.Int64) - PROTOCOL_WIDTH
            query = request.str.find("?", literal=True).cast(pl.Int64)
            path_ends = pl.when(query < length).then(query).otherwise(length)
            has_protocol = reduce(or_, (request.str.ends_with(protocol) for protocol in sorted(PROTOCOLS)))
            request = request.cast(pl.Binary).bin.head(path_ends).cast(pl.String)
            then = [[pl.col("fits") & has_protocol, request]]
        else:
            method = (
                pl.col("method").replace({"-": ANY_METHOD, "": ANY_METHOD})
                if "method" in groups
                else pl.lit(ANY_METHOD)
            )
            target = pl.col("target").fill_null("-") if "target" in groups else pl.lit("-")
            request = pl.col("request")
            then = [
                [pl.concat_str(method, target, separator=" ").alias("request")],
                [sliced(request, 0, request.str.find("?", literal=True))],
            ]
        self.inputs = [pl.col("index"), fits.alias("fits"), *(value.alias(name) for name, value in inputs.items())]
        self.then = then
        self.out = ["index", "fits", "time", "status", *(name for name in groups if name not in COUNTED), "request"]

    def of(self, frame: pl.LazyFrame, steps: Iterable[Sequence[pl.Expr]]) -> pl.DataFrame:
        """What a Cutter gives, of `frame` after `steps`."""
        for step in steps:
            frame = frame.with_columns(step)
        frame = frame.select(self.inputs)
        for step in self.then:
            frame = frame.with_columns(step)
        return typed(
            frame.select(self.out).collect(engine="in-memory"), ("time", self.read_time), ("status", STATUSES.get)
        )


def in_order(
    head: str, cuts: Sequence[Cut], wanted: set[int], first: int = 1
) -> tuple[list[list[pl.Expr]], list[pl.Expr]]:
    """The steps (columns made at once) that take `cuts` off the column `rest`; the values of the `wanted` (counted from
    `first`) become columns c1, c2, ...

    Then what must hold of a row that fits. A cut that finds nothing leaves null, and null fits nothing.
    """
    steps: list[list[pl.Expr]] = []
    checks: list[pl.Expr] = []
    rest, p = pl.col("rest"), pl.col("p")
    if head:
        name = f"head{first}"
        steps.append([rest.str.starts_with(head).alias(name), sliced(rest, len(head))])
        checks.append(pl.col(name))
    for number, cut in enumerate(cuts, first):
        width = WIDTHS.get(cut.shape) if cut.stop.kind == "shape" else None
        if width is not None:
            at: int | pl.Expr = width
        elif cut.literal:
            steps.append([rest.str.find(cut.literal[0], literal=True).cast(pl.Int64).alias("p")])
            at = p
        else:
            steps.append([rest.alias(f"c{number}"), pl.lit("").alias("rest")])
            continue
        value, following = sliced(rest, 0, at), sliced(rest, at, len(cut.literal))
        fits = [*([following == cut.literal] if cut.literal else []), *_fits(cut, value)]
        step = [sliced(rest, at + len(cut.literal))]
        if number in wanted:
            step.append(value.alias(f"c{number}"))
        if fits:
            step.append(reduce(and_, fits).alias(f"fit{number}"))
            checks.append(pl.col(f"fit{number}"))
        steps.append(step)
    return steps, checks


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


def split_at_quotes(
    data: bytes, schema: Mapping[str, type[pl.DataType]], columns: Sequence[int] | None = None
) -> pl.DataFrame:
    """The pieces between the quotes of each line of UTF-8, named by `schema`; those at `columns` (from 0) alone where
    that is given. Of a line with fewer the last ones are empty, of one with more they are left out."""
    return pl.read_csv(
        data,
        has_header=False,
        separator=QUOTE,
        quote_char=None,
        schema=schema,
        columns=columns,
        extra_columns="ignore",
        missing_columns="insert",
        empty_string_is_null=False,
    )


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
