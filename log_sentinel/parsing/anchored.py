"""The fast path for the commonest shape of all: `[$time_local] "$request" $status` with no quote before it.

The first two quotes of a line say where all three are, so that two windows of fixed width around them hold the time,
the protocol and the status, with all literals between: both have few distinct values, and only those are looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.parsing.cutting import (
    PROTOCOL_WIDTH,
    STATUS_WIDTH,
    cuttable,
    first_given,
    in_order,
    sliced,
    typed,
)
from log_sentinel.parsing.layout import QUOTE, WIDTHS, Cut, Layout
from log_sentinel.parsing.request_line import PROTOCOLS
from log_sentinel.parsing.values import STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_sentinel.parsing.times import Clock


def anchor(layout: Layout, groups: Mapping[str, tuple[int, ...]]) -> int | None:
    """The number (from 0) of the time's cut in a layout of this shape; None for another."""
    if len(groups.get("time", ())) != 1 or groups.get("request") is None or len(groups["status"]) != 1:
        return None
    at = groups["time"][0] - 1
    if groups["request"] != (at + 2,) or groups["status"] != (at + 3,):
        return None
    time, request, status = layout.cuts[at : at + 3]
    before = [layout.head, *(cut.literal for cut in layout.cuts[:at])]
    fixed = time.shape in WIDTHS and status.shape == "status" and time.literal.endswith(QUOTE)
    quoted = request.stop.kind == "quoted" and layout.escape != "none"
    quote_free = QUOTE not in "".join(before) + time.literal[:-1]
    # what ends before the time must be cut by rules that look no further than the time
    simple = cuttable(layout.cuts[:at]) and all(cut.stop.kind in ("class", "before") for cut in layout.cuts[:at])
    return at if fixed and quoted and quote_free and simple else None


class Anchored:
    """Cuts lines of a layout that has an anchor."""

    def __init__(
        self, layout: Layout, at: int, groups: Mapping[str, tuple[int, ...]], carried: Sequence[str], clock: Clock
    ) -> None:
        """`at`: what `anchor` said. `carried`: inputs wanted in the result, so far as they stand before the time."""
        time, request, status = layout.cuts[at : at + 3]
        self.clock = clock
        self.opening = layout.cuts[at - 1].literal if at else layout.head
        self.width = WIDTHS[time.shape]
        self.between, self.closing, self.after = time.literal, request.literal, status.literal
        self.reach = len(self.opening) + self.width + len(self.between) - 1
        self.head = layout.head if at else ""
        # the opening is in the window, so that the last value before it runs to the end of what is before
        self.before = (
            [*layout.cuts[: at - 1], Cut(layout.cuts[at - 1].name, "text", layout.cuts[at - 1].stop, "")] if at else []
        )
        self.tail = layout.ranged(at + 3)
        self.carried = {name: groups[name] for name in carried if name in groups}

    @staticmethod
    def carries(at: int, groups: Mapping[str, tuple[int, ...]], carried: Sequence[str]) -> bool:
        """Whether all of `carried` that the format has stand before the time."""
        return all(number <= at for name in carried for number in groups.get(name, ()))

    def cut(self, lines: pl.DataFrame) -> pl.DataFrame:
        line, rest, p, q = pl.col("line"), pl.col("beyond"), pl.col("p"), pl.col("q")
        width = PROTOCOL_WIDTH + len(self.closing) + STATUS_WIDTH + len(self.after)
        # where a window would begin before its line, a slice counts from the end: the window is then too short to pass
        frame = lines.lazy().with_columns(p=line.str.find(QUOTE, literal=True).cast(pl.Int64))
        frame = frame.with_columns(
            window=sliced(line, p - self.reach, self.reach + 1),
            beyond=sliced(line, p + 1),
            rest=sliced(line, 0, pl.max_horizontal(p - self.reach, 0)),
        )
        frame = frame.with_columns(
            q=rest.str.find(QUOTE, literal=True).cast(pl.Int64),
            query=rest.str.find("?", literal=True).cast(pl.Int64),  # the request's, or something beyond it
        )
        kept = {number for numbers in self.carried.values() for number in numbers} | {len(self.before)}
        frame, checks = in_order(frame, self.head, self.before, kept)
        if self.before and self.before[-1].stop.kind == "class":
            checks.append(~pl.col(f"c{len(self.before)}").str.contains(self.before[-1].stop.char, literal=True))
        checks.append(sliced(rest, q + (width - PROTOCOL_WIDTH)).str.contains(self.tail))
        frame = frame.select(
            "index",
            "window",
            pl.all_horizontal(checks).alias("fits"),
            end=sliced(rest, q - PROTOCOL_WIDTH, width),
            request=sliced(rest, 0, pl.max_horizontal(pl.min_horizontal(q - PROTOCOL_WIDTH, "query"), 0)),
            **{name: first_given([f"c{number}" for number in numbers]) for name, numbers in self.carried.items()},
        )
        return typed(frame.collect(), ("window", self._time), ("end", self._status))

    def _time(self, window: str) -> int | None:
        start = len(self.opening)
        whole = len(window) == self.reach + 1 and window.startswith(self.opening) and window.endswith(self.between)
        return self.clock.read(window[start : start + self.width]) if whole else None

    def _status(self, end: str) -> int | None:
        protocol, code = end[:PROTOCOL_WIDTH], end[PROTOCOL_WIDTH + len(self.closing) :][:STATUS_WIDTH]
        whole = protocol in PROTOCOLS and end[PROTOCOL_WIDTH:] == self.closing + code + self.after
        return STATUSES.get(code) if whole else None
