"""The fast path over a batch of JSON lines: decoded as one, then handled as columns."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.parsing.bulk import COUNTED, REQUEST, Taken
from log_sentinel.parsing.bulk_activity import ADDRESS, activity
from log_sentinel.parsing.bulk_counts import RouteCounts
from log_sentinel.parsing.json_lines import MISSING, ColumnDecoder, JsonReader
from log_sentinel.parsing.routes import ANY_METHOD, MALFORMED
from log_sentinel.parsing.rows import Rows
from log_sentinel.parsing.tally import Tally
from log_sentinel.parsing.times import MINUTE
from log_sentinel.parsing.values import each, text
from log_sentinel.parsing.values import statuses as read_statuses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_sentinel.parsing.canonical import Canonical
    from log_sentinel.parsing.line_starts import LineStarts

    # TRAFFIC, frames of ACTIVITY, the routes of the requests that are kept
    Counted = tuple[pl.DataFrame, pl.DataFrame, list[str]]


COUNTING = ("time", "status", *REQUEST, *ADDRESS, "route", "client")
PROTOCOL_AT_END = r" HTTP/[0-9](?:\.[0-9])?$"
# Of fewer lines the counts are quicker made one by one than by columns.
FEW = 6000


class BulkJson:
    """Many lines of a JSON format: what counting needs is decoded of all lines, the rest of those that are kept."""

    def __init__(self, reader: JsonReader, canonical: Canonical, denied: frozenset[int]) -> None:
        self.reader, self.canonical, self.denied = reader, canonical, denied
        counting = [name for name in COUNTING if canonical.proxies or name not in ADDRESS[1:]]
        self.counting = ColumnDecoder({name: reader.paths[name] for name in counting if name in reader.paths})
        self.whole = ColumnDecoder(reader.paths)

    def read(self, batch: LineStarts, wanted: frozenset[int] | None) -> Taken | None:
        lines = batch.lines
        if not _one_object_each(lines) or not self.reader.unambiguous(batch.data, len(lines)):
            return None
        objects = self.counting.decode(_utf8(batch.data))
        if objects is None or len(objects) != len(lines):
            return None
        columns = {name: self.counting.values(objects, name) for name in self.counting.names}
        times = self.canonical.clock.read_all(columns.pop("time"))
        statuses = read_statuses(columns.pop("status"))
        numbers = [number for number, status in enumerate(statuses) if wanted is None or status in wanted]
        kept = self.whole.decode(_utf8(b"\n".join([lines[number] for number in numbers])))
        if None in times or None in statuses or kept is None:
            return None
        count = self._one_by_one if len(lines) < FEW else self._at_once
        traffic, counted, routes = count(columns, times, statuses, numbers)  # type: ignore[arg-type]
        inputs = {name: self.whole.values(kept, name) for name in self.whole.names}
        missing: list[object] = [None] * len(numbers)
        rows = Rows(
            offsets=batch.offsets_of(numbers),
            statuses=[statuses[number] or 0 for number in numbers],
            times=[times[number] or 0 for number in numbers],
            routes=routes,
            targets=list(map(self.canonical.target, *(inputs.get(name, missing) for name in REQUEST))),
            addresses=self.canonical.addresses(*(inputs.get(name, missing) for name in ADDRESS)),
            inputs=inputs,
        )
        return Taken(traffic, counted, rows, len(lines), [])

    def _one_by_one(
        self, columns: dict[str, list[object]], times: list[int], statuses: list[int], numbers: list[int]
    ) -> Counted:
        missing: list[object] = [None] * len(times)
        clean, of_request = self.canonical.clean, self.canonical.routes.of_request
        clients = each(clean, columns.get("client", missing))
        addresses = self.canonical.addresses(*(columns.get(name, missing) for name in ADDRESS))
        names = each(clean, columns.get("route", missing))
        routes = [
            name or (MALFORMED if key is None else of_request(key))
            for name, key in zip(names, self._keys(columns, len(times)), strict=True)
        ]
        tally = Tally(self.denied)
        tally.add_all(times, routes, statuses, clients, addresses)
        return tally.traffic(), tally.activity(), [routes[number] for number in numbers]

    def _at_once(
        self, columns: dict[str, list[object]], times: list[int], statuses: list[int], numbers: list[int]
    ) -> Counted:
        carried = [*COUNTED, *(ADDRESS[1:] if self.canonical.proxies else ())]
        frame = pl.DataFrame(
            {
                "minute": pl.Series([time - time % MINUTE for time in times], dtype=pl.Int64),
                "status": pl.Series(statuses, dtype=pl.Int16),
                **{name: _texts(columns[name]) for name in (*REQUEST, *carried) if name in columns},
            }
        )
        cut = frame.with_columns(request=_request(frame.columns)).drop("method", "target", strict=False)
        counts = RouteCounts(cut, self.canonical)
        return counts.traffic(), activity(cut, self.canonical, self.denied), counts.of_rows(cut[numbers])

    def _keys(self, columns: dict[str, list[object]], rows: int) -> list[str | None]:
        """What decides the requests' routes; nothing where the gateway's own name of the route does."""
        missing: list[object] = [None] * rows
        request = zip(*(columns.get(name, missing) for name in REQUEST), strict=True)
        key = self.canonical.request_key
        named = columns.get("route", missing)
        return [key(*parts) if route in MISSING else None for parts, route in zip(request, named, strict=True)]


def _one_object_each(lines: Sequence[bytes]) -> bool:
    """Whether every line is braced. A newline between two braces cannot lie within a JSON value."""
    return all(lines) and set(map(itemgetter(0), lines)) == {ord("{")} and set(map(itemgetter(-1), lines)) == {ord("}")}


def _utf8(data: bytes) -> bytes:
    return data if data.isascii() else data.decode("utf-8", "replace").encode()


def _request(columns: Sequence[str]) -> pl.Expr:
    """ "METHOD path" from the columns of REQUEST that there are: what `Canonical.request_key` says, for many."""

    def given(name: str) -> pl.Expr:
        missing = pl.lit(None, pl.String)
        return pl.when(~pl.col(name).is_in(["", "-"])).then(pl.col(name)) if name in columns else missing

    parts = pl.concat_str(given("method").fill_null(ANY_METHOD), given("target").fill_null("-"), separator=" ")
    line = pl.coalesce(given("request").str.replace(PROTOCOL_AT_END, ""), parts)
    return line.cast(pl.Binary).bin.slice(0, line.str.find("?", literal=True)).cast(pl.String)


def _texts(values: list[object]) -> pl.Series:
    try:
        return pl.Series(values, dtype=pl.String)
    except TypeError:  # not all are texts
        return pl.Series(list(map(text, values)), dtype=pl.String)
