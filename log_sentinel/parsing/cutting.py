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

from log_sentinel.parsing.layout import SHAPES, WIDTHS, Cut, Layout
from log_sentinel.parsing.routes import ANY_METHOD
from log_sentinel.parsing.times import MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from log_sentinel.parsing.times import Clock

PROTOCOLS = frozenset(f" HTTP/{version}" for version in ("1.1", "2.0", "1.0", "3.0"))
PROTOCOL_WIDTH = 9
STATUS_WIDTH = 3


class Cutter(Protocol):
    """Cuts what counting needs out of many lines."""

    def cut(self, lines: pl.DataFrame) -> pl.DataFrame:
        """From index, line (ASCII, nothing unusual): index, minute (Int64, milliseconds), status (Int16), request
        ("METHOD path"), then the carried inputs. A line that is not in it was not taken."""


class InOrder:
    """Cuts field by field from the left until it has what counting needs; one scan checks the remainder."""

    def __init__(
        self, layout: Layout, groups: Mapping[str, tuple[int, ...]], carried: Sequence[str], clock: Clock
    ) -> None:
        """`groups`: the cuts (counted from 1) that each input may come from. `carried`: inputs wanted in the result."""
        self.clock = clock
        self.carried = [name for name in carried if name in groups]
        self.groups = {
            name: groups[name]
            for name in ("time", "status", "request", "method", "target", *self.carried)
            if name in groups
        }
        self.head, self.layout = layout.head, layout
        last = max(number for numbers in self.groups.values() for number in numbers)
        self.cuts = layout.cuts[:last]
        self.tail = layout.ranged(last)

    def cut(self, lines: pl.DataFrame) -> pl.DataFrame:
        wanted = {number for numbers in self.groups.values() for number in numbers}
        frame = in_order(lines.rename({"line": "rest"}), self.head, self.cuts, wanted)
        frame = frame.filter(pl.col("rest").str.contains(self.tail))
        frame = frame.select(
            "index", **{name: first_given([f"c{n}" for n in numbers]) for name, numbers in self.groups.items()}
        )
        frame, times = checked(frame, "time", self.clock.read)
        frame, statuses = checked(
            frame, "status", lambda code: int(code) if len(code) == STATUS_WIDTH and code.isdigit() else None
        )
        if "request" in self.groups:
            frame = frame.with_columns(end=pl.col("request").cast(pl.Binary).bin.slice(-PROTOCOL_WIDTH).cast(pl.String))
            frame = frame.filter(pl.col("end").is_in(sorted(PROTOCOLS)))
            line = (
                pl.col("request")
                .cast(pl.Binary)
                .bin.slice(0, pl.col("request").str.len_bytes() - PROTOCOL_WIDTH)
                .cast(pl.String)
            )
        else:
            method = (
                pl.col("method").replace({"-": ANY_METHOD, "": ANY_METHOD})
                if "method" in self.groups
                else pl.lit(ANY_METHOD)
            )
            target = pl.col("target") if "target" in self.groups else pl.lit("-")
            line = pl.concat_str(method, target.fill_null("-"), separator=" ")
        return frame.select(
            "index",
            minute=minutes("time", times),
            status=mapped("status", statuses, pl.Int16),
            request=without_query(line),
            **{name: pl.col(name) for name in self.carried},
        )


def in_order(frame: pl.DataFrame, head: str, cuts: Sequence[Cut], wanted: set[int]) -> pl.DataFrame:
    """Takes `cuts` off the column `rest`; the values of the `wanted` (counted from 1) stay as columns c1, c2, ...

    Rows that do not fit are gone from the result. A cut that finds nothing leaves null, and null fits nothing.
    """
    checks: list[str] = []
    rest = pl.col("rest")
    if head:
        frame = frame.with_columns(rest=_sliced(rest, len(head)), fit0=rest.str.starts_with(head))
        checks.append("fit0")
    for number, cut in enumerate(cuts, 1):
        width = WIDTHS.get(cut.shape) if cut.stop.kind == "shape" else None
        if width is not None:
            at: int | pl.Expr = width
        elif cut.literal:
            frame = frame.with_columns(p=rest.str.find(cut.literal[0], literal=True).cast(pl.Int64))
            at = pl.col("p")
        else:
            frame = frame.with_columns(rest.alias(f"c{number}"), rest=pl.lit(""))
            continue
        value, following = _sliced(rest, 0, at), _sliced(rest, at, len(cut.literal))
        fits = [*([following == cut.literal] if cut.literal else []), *_fits(cut, value)]
        frame = frame.with_columns(
            *([value.alias(f"c{number}")] if number in wanted else []),
            *([pl.all_horizontal(fits).alias(f"fit{number}")] if fits else []),
            rest=_sliced(rest, at + len(cut.literal)),
        )
        checks += [f"fit{number}"] if fits else []
    return frame.filter(pl.all_horizontal(checks)) if checks else frame


def cuttable(cuts: Sequence[Cut]) -> bool:
    """Whether `in_order` can take these cuts: every field that touches the next, or ends the line, has a width or the
    rest."""
    return all(cut.literal or cut.shape in WIDTHS or cut.stop.kind == "rest" for cut in cuts)


def mapped(column: str, values: Mapping[object, int], dtype: type[pl.DataType]) -> pl.Expr:
    """`column` with its values replaced, each of which is a key of `values`."""
    if not values:
        return pl.lit(None, dtype).alias(column)
    return pl.col(column).replace_strict(list(values), list(values.values()), return_dtype=dtype)


def minutes(column: str, times: Mapping[object, int]) -> pl.Expr:
    """The minutes, in milliseconds, of a column whose values were read as `times`."""
    return mapped(column, {value: at - at % MINUTE for value, at in times.items()}, pl.Int64)


def checked(
    frame: pl.DataFrame, column: str, read: Callable[[str], int | None]
) -> tuple[pl.DataFrame, dict[object, int]]:
    """The rows whose `column` can be read, judged by its distinct values, and what those were read as."""
    found: dict[object, int] = {}
    bad = False
    for value in frame[column].unique().to_list():
        at = None if value is None else read(value)
        if at is None:
            bad = True
        else:
            found[value] = at
    return (frame.filter(pl.col(column).is_in(list(found))) if bad else frame), found


def first_given(columns: Sequence[str]) -> pl.Expr:
    """The first of `columns` that is neither empty nor "-"; the only one as it is."""
    if len(columns) == 1:
        return pl.col(columns[0])
    return pl.coalesce(pl.when(~pl.col(column).is_in(["", "-"])).then(pl.col(column)) for column in columns)


def without_query(line: pl.Expr) -> pl.Expr:
    return line.cast(pl.Binary).bin.slice(0, line.str.find("?", literal=True)).cast(pl.String)


def _sliced(column: pl.Expr, start: int | pl.Expr, length: int | pl.Expr | None = None) -> pl.Expr:
    return column.cast(pl.Binary).bin.slice(start, length).cast(pl.String)


def _fits(cut: Cut, value: pl.Expr) -> list[pl.Expr]:
    """What must hold beside the literal for a cut at its first byte to be the careful path's.

    Nothing for most: times and statuses are judged on their distinct values, and the others end there by their rule.
    """
    if cut.stop.kind != "shape" or cut.shape in WIDTHS:
        return []
    if cut.shape == "list":
        return [~value.str.ends_with(",")]  # the list goes on after a blank
    return [value.str.contains(f"^{SHAPES[cut.shape]}$")]
