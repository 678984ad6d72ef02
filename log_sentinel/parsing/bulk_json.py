"""The fast path over a batch of JSON lines: decoded many at a time, then handled as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.parsing.bulk import REQUEST, Taken
from log_sentinel.parsing.bulk_activity import ADDRESS
from log_sentinel.parsing.bulk_counts import RouteCounts
from log_sentinel.parsing.bulk_lines import rows_of
from log_sentinel.parsing.json_columns import ColumnDecoder
from log_sentinel.parsing.json_counts import count_askers
from log_sentinel.parsing.json_in_order import JsonInOrder
from log_sentinel.parsing.request_line import ABSOLUTE
from log_sentinel.parsing.routes import ANY_METHOD, MALFORMED
from log_sentinel.parsing.tally import Tally
from log_sentinel.parsing.times import MINUTE
from log_sentinel.parsing.values import each, text
from log_sentinel.parsing.values import statuses as read_statuses

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from log_sentinel.parsing.canonical import Canonical
    from log_sentinel.parsing.json_lines import JsonReader
    from log_sentinel.parsing.line_starts import LineStarts

    # TRAFFIC, frames of ACTIVITY, the routes of the requests that are kept
    Counted = tuple[pl.DataFrame, pl.DataFrame, list[str]]

COUNTING = ("time", "status", *REQUEST, *ADDRESS, "route", "client")
PROTOCOL_AT_END = r" HTTP/[0-9](?:\.[0-9])?$"
# what is a request even without a method
PATH_OR_URL = rf"^(?:/|{ABSOLUTE.pattern})"
# The routes of fewer lines are quicker made one by one than by columns.
FEW = 3000
# One request in this many without a route's name makes it quicker to decode every line's request with the rest.
OFTEN = 4


@dataclass(slots=True)
class _Requests:
    """What is counted: the lines' numbers, times (milliseconds UTC), statuses, and the inputs that tell the rest."""

    numbers: Sequence[int]
    times: list[int]
    statuses: list[int]
    inputs: dict[str, list[object]]

    def without(self, rows: Collection[int]) -> _Requests:
        stay = [row for row in range(len(self.times)) if row not in rows]
        return _Requests(
            [self.numbers[row] for row in stay],
            [self.times[row] for row in stay],
            [self.statuses[row] for row in stay],
            {name: [values[row] for row in stay] for name, values in self.inputs.items()},
        )

    def of(self, wanted: frozenset[int] | None) -> list[int]:
        """The rows with these statuses (None: all)."""
        return [row for row, status in enumerate(self.statuses) if wanted is None or status in wanted]


class BulkJson:
    """Many lines of a JSON format: what counting needs is decoded of all lines, the rest of those that are kept."""

    def __init__(self, reader: JsonReader, canonical: Canonical, denied: frozenset[int]) -> None:
        self.canonical, self.denied = canonical, denied
        counting = [name for name in COUNTING if canonical.proxies or name not in ADDRESS[1:]]
        paths = {name: reader.paths[name] for name in counting if name in reader.paths}
        requests = {name: paths[name] for name in REQUEST if name in paths}
        self.counting = ColumnDecoder(paths, once=("status",))
        self.named = ColumnDecoder(
            {name: each for name, each in paths.items() if name not in requests}, once=("status",)
        )
        self.requests = ColumnDecoder(requests)
        self.whole = ColumnDecoder(reader.paths)
        self.in_order = JsonInOrder(reader.paths, self.whole, canonical, denied)
        # whether a request is needed of few lines, since the gateway's own name of the route stands in the others
        self._is_named = "route" in paths

    def read(self, batch: LineStarts, wanted: frozenset[int] | None) -> Taken | None:
        if not self.counting.certain:
            return None
        return self.in_order.read(batch, wanted) or self._decoded(batch, wanted)

    def _decoded(self, batch: LineStarts, wanted: frozenset[int] | None) -> Taken | None:
        requests = self._requests(batch)
        kept = requests.of(wanted)
        inputs, torn = self.whole.read_some([batch.line(requests.numbers[row]) for row in kept])
        if torn:
            requests = requests.without({kept[row] for row in torn})
            kept = requests.of(wanted)
        lines = len(requests.numbers)
        if not lines:
            return None
        traffic, counted, routes = self._counted(requests, kept)
        rows = rows_of(
            self.canonical,
            inputs,
            offsets=batch.offsets_of([requests.numbers[row] for row in kept]),
            statuses=[requests.statuses[row] for row in kept],
            times=[requests.times[row] for row in kept],
            routes=routes,
        )
        left = [] if lines == batch.count else sorted(set(range(batch.count)).difference(requests.numbers))
        return Taken(traffic, counted, rows, lines, left)

    def _requests(self, batch: LineStarts) -> _Requests:
        """Those of the lines that are one object each, with a time and a status."""
        decoder = self.named if self._is_named else self.counting
        inputs, left = decoder.read(batch.data, batch.starts)
        times = self.canonical.clock.read_all(inputs.pop("time"))
        statuses = read_statuses(inputs.pop("status"))
        numbers: Sequence[int] = range(batch.count)
        if left:
            refused = set(left)
            numbers = [number for number in numbers if number not in refused]
        requests = _Requests(numbers, times, statuses, inputs)  # type: ignore[arg-type]
        unfit = {
            row for found in (times, statuses) if None in found for row, value in enumerate(found) if value is None
        }
        if unfit:
            requests = requests.without(unfit)
        return self._with_routes(requests, batch, decoder) if "route" in inputs else requests

    def _with_routes(self, requests: _Requests, batch: LineStarts, decoder: ColumnDecoder) -> _Requests:
        """With the gateway's own names of the routes, and the requests of those lines that have none."""
        names = requests.inputs["route"] = each(self.canonical.clean, requests.inputs["route"])
        nameless = [row for row, name in enumerate(names) if name is None] if None in names else []
        self._is_named = OFTEN * len(nameless) <= len(names)
        if not nameless or decoder is self.counting:
            return requests
        read, torn = self.requests.read_some([batch.line(requests.numbers[row]) for row in nameless])
        unread = {nameless[row] for row in torn}
        for name, values in read.items():
            column = requests.inputs[name] = [None] * len(names)
            for row, value in zip((row for row in nameless if row not in unread), values, strict=True):
                column[row] = value
        return requests.without(unread) if unread else requests

    def _counted(self, requests: _Requests, kept: Sequence[int]) -> Counted:
        times, statuses, inputs = requests.times, requests.statuses, requests.inputs
        tally = Tally(self.denied)
        count_askers(tally, times, statuses, inputs, self.canonical)
        names: list[str | None] = inputs.get("route") or [None] * len(times)  # type: ignore[assignment]
        minutes = [time - time % MINUTE for time in times]
        if None in names and len(times) >= FEW:
            columns = {name: _texts(inputs[name]) for name in REQUEST if name in inputs}
            frame = pl.DataFrame(
                {
                    "minute": pl.Series(minutes, dtype=pl.Int64),
                    "status": pl.Series(statuses, dtype=pl.Int16),
                    "route": pl.Series(names, dtype=pl.String),
                    **columns,
                }
            )
            cut = frame.with_columns(request=_request(frame.columns)).drop("method", "target", strict=False)
            counts = RouteCounts(cut, self.canonical)
            return counts.traffic(), tally.activity(), counts.of_rows(cut[kept])
        routes = self._routes(requests, names)
        tally.requests.update(zip(minutes, routes, statuses, strict=True))
        return tally.traffic(), tally.activity(), [routes[row] for row in kept]

    def _routes(self, requests: _Requests, names: list[str | None]) -> list[str]:
        """The routes, which the gateway has `names` for, or not."""
        if None not in names:
            return names  # type: ignore[return-value]
        missing: list[object] = [None] * len(names)
        parts = zip(*(requests.inputs.get(name, missing) for name in REQUEST), strict=True)
        key, of_request = self.canonical.request_key, self.canonical.routes.of_request

        def made(request: tuple[object, ...]) -> str:
            asked = key(*request)
            return MALFORMED if asked is None else of_request(asked)

        return [name or made(request) for name, request in zip(names, parts, strict=True)]


def _request(columns: Sequence[str]) -> pl.Expr:
    """ "METHOD path" from the columns of REQUEST that there are: what `Canonical.request_key` says, for many.

    Null where the gateway's own name of the route makes it needless.
    """

    def given(name: str) -> pl.Expr:
        missing = pl.lit(None, pl.String)
        return pl.when(~pl.col(name).is_in(["", "-"])).then(pl.col(name)) if name in columns else missing

    if set(columns).isdisjoint(REQUEST):
        return pl.lit(None, pl.String)
    method, target = given("method"), given("target").fill_null("-")
    several = method.str.contains(" ", literal=True)  # words, and so no method: a path if anything
    parts = (
        pl.when(method.is_null() & target.str.contains(PATH_OR_URL) | several & method.str.starts_with("/"))
        .then(pl.concat_str(pl.lit(ANY_METHOD), method, target, separator=" ", ignore_nulls=True))
        .when(~several)
        .then(pl.concat_str(method, target, separator=" "))
    )
    line = pl.coalesce(given("request").str.replace(PROTOCOL_AT_END, ""), parts)
    request = line.cast(pl.Binary).bin.slice(0, line.str.find("?", literal=True)).cast(pl.String)
    return pl.when(given("route").is_null()).then(request)


def _texts(values: list[object]) -> pl.Series:
    try:
        return pl.Series(values, dtype=pl.String)
    except TypeError:  # not all are texts
        return pl.Series(list(map(text, values)), dtype=pl.String)
