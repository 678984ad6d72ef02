"""A batch as a column of lines for the engine, and what a fast path hands on of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.parsing.bulk import REQUEST, Taken
from log_sentinel.parsing.bulk_activity import ADDRESS, activity
from log_sentinel.parsing.bulk_counts import RouteCounts
from log_sentinel.parsing.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_sentinel.parsing.canonical import Canonical
    from log_sentinel.parsing.line_starts import LineStarts


class BulkLines:
    """`column`: index and line of every line. `data`: the same as bytes, which are UTF-8."""

    def __init__(self, batch: LineStarts) -> None:
        self.batch = batch
        self.is_ascii = batch.data.isascii()
        self.data = batch.data if self.is_ascii else batch.data.decode("utf-8", "replace").encode()
        self.column = pl.read_lines(self.data, name="line", row_index_name="index")

    def taken(
        self,
        cut: pl.DataFrame,
        kept: pl.DataFrame,
        inputs: dict[str, list[object]],
        canonical: Canonical,
        denied: frozenset[int],
    ) -> Taken:
        """Of these lines, those in `cut` (as a Cutter gives them) counted, and of those in `kept`, which has columns of
        `cut`, the `inputs`; the others are left."""
        routes = RouteCounts(cut, canonical)
        # where every line is as long as its text, the column tells where each begins
        as_long = self.is_ascii and b"\r" not in self.batch.data
        rows = rows_of(
            canonical,
            inputs,
            offsets=self.batch.offsets_of(kept["index"].to_list(), self.column["line"] if as_long else None),
            statuses=kept["status"].to_list(),
            times=[time or 0 for time in canonical.clock.read_all(inputs["time"])],
            routes=routes.of_rows(kept),
        )
        every, lines = cut.height == self.column.height, self.column
        left = [] if every else lines.join(cut, on="index", how="anti")["index"].to_list()
        return Taken(routes.traffic(), activity(cut, canonical, denied), rows, cut.height, left)


def rows_of(
    canonical: Canonical,
    inputs: dict[str, list[object]],
    *,
    offsets: list[int],
    statuses: list[int],
    times: list[int],
    routes: list[str],
) -> Rows:
    """Requests that are kept whole: what is known of them already, and what `inputs` say of request and address."""
    missing: Sequence[object] = [None] * len(offsets)
    return Rows(
        offsets=offsets,
        statuses=statuses,
        times=times,
        routes=routes,
        targets=canonical.targets(*(inputs.get(name, missing) for name in REQUEST)),
        addresses=canonical.addresses(*(inputs.get(name, missing) for name in ADDRESS)),
        inputs=inputs,
    )
