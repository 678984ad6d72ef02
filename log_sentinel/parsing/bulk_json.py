"""The fast path over a batch of JSON lines: decoded as one, then handled as columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.parsing.bulk import COUNTED, Taken, activity
from log_sentinel.parsing.bulk_counts import RouteCounts
from log_sentinel.parsing.rows import Rows
from log_sentinel.parsing.times import MINUTE
from log_sentinel.parsing.values import status as read_status

if TYPE_CHECKING:
    from log_sentinel.parsing.canonical import Canonical
    from log_sentinel.parsing.json_lines import JsonReader
    from log_sentinel.parsing.line_starts import LineStarts


REQUEST, ADDRESS = ("request", "method", "target"), ("ip", "forwarded_for", "forwarded")


class BulkJson:
    """Many lines of a JSON format."""

    def __init__(self, reader: JsonReader, canonical: Canonical, denied: frozenset[int]) -> None:
        self.reader, self.canonical, self.denied = reader, canonical, denied

    def read(self, batch: LineStarts, wanted: frozenset[int] | None) -> Taken | None:
        data = batch.data if batch.data.isascii() else batch.data.decode("utf-8", "replace").encode()
        objects = self.reader.read_many(data, len(batch.lines))
        if objects is None:
            return None
        times = list(map(self.canonical.clock.read, self.reader.values(objects, "time")))
        statuses = list(map(read_status, self.reader.values(objects, "status")))
        if None in times or None in statuses:
            return None
        cut = self._cut(objects, times, statuses)  # type: ignore[arg-type]
        routes = RouteCounts(cut, self.canonical)
        kept = cut if wanted is None else cut.filter(pl.col("status").is_in(sorted(wanted)))
        numbers = kept["index"].to_list()
        some = [objects[number] for number in numbers]
        inputs = {name: self.reader.values(some, name) for name in self.reader.names}
        missing: list[object] = [None] * len(some)
        rows = Rows(
            offsets=batch.offsets_of(numbers),
            statuses=kept["status"].to_list(),
            times=[times[number] or 0 for number in numbers],
            routes=routes.of_rows(kept),
            targets=list(map(self.canonical.target, *(inputs.get(name, missing) for name in REQUEST))),
            addresses=list(map(self.canonical.address, *(inputs.get(name, missing) for name in ADDRESS))),
            inputs=inputs,
        )
        return Taken(routes.traffic(), activity(cut, self.canonical, self.denied), rows, len(objects), [])

    def _cut(self, objects: list[object], times: list[int], statuses: list[int]) -> pl.DataFrame:
        """What counting needs, as the text formats' cutters give it."""
        values, names = self.reader.values, self.reader.names
        missing: list[object] = [None] * len(objects)
        request = [values(objects, name) if name in names else missing for name in REQUEST]
        carried = [name for name in (*COUNTED, *(ADDRESS[1:] if self.canonical.proxies else ())) if name in names]
        columns = {
            "minute": pl.Series([time - time % MINUTE for time in times], dtype=pl.Int64),
            "status": pl.Series(statuses, dtype=pl.Int16),
            "request": pl.Series(list(map(self.canonical.request_key, *request)), dtype=pl.String),
        }
        for name in carried:
            columns[name] = pl.Series(list(map(self.canonical.clean, values(objects, name))), dtype=pl.String)
        return pl.DataFrame(columns).with_row_index()
