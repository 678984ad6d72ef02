"""The careful path: one line at a time, for what the fast path does not take and for batches too small to be worth
it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import compress
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from log_sentinel.parsing.rows import Rows
from log_sentinel.parsing.values import each
from log_sentinel.parsing.values import statuses as read_statuses

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from log_sentinel.parsing.canonical import Canonical
    from log_sentinel.parsing.tally import Tally

NO_FIT = "does not fit the format"
NO_TIME = "no time, or one no gateway can have had"
NO_STATUS = "no status"


class LineReader(Protocol):
    """Reads one line's fields; `names` are the inputs it may give."""

    names: tuple[str, ...]

    def read(self, line: bytes) -> Iterable[Mapping[str, object]] | str:
        """The inputs of the line's requests (one, but for arrays), or the reason why there are none."""


@dataclass(slots=True)
class Rejected:
    """Lines nobody could read: all are counted, the first `keep` are sampled (None: all)."""

    keep: int | None
    counts: dict[str, int] = field(default_factory=dict)
    samples: list[tuple[int, str, str]] = field(default_factory=list)

    SAMPLE_LENGTH = 300

    def add(self, offset: int, reason: str, line: bytes) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + 1
        if self.keep is None or len(self.samples) < self.keep:
            shown = line[: self.SAMPLE_LENGTH].decode("utf-8", "backslashreplace").replace("\0", "\\x00")
            self.samples.append((offset, reason, shown[: self.SAMPLE_LENGTH]))


class CarefulPath:
    """Reads lines one by one. `wanted` are the statuses whose requests are kept whole (None: all)."""

    def __init__(self, reader: LineReader, canonical: Canonical, wanted: frozenset[int] | None) -> None:
        self.reader, self.canonical, self.wanted = reader, canonical, wanted

    def read(self, lines: Iterable[tuple[int, bytes]], tally: Tally, rejected: Rejected) -> tuple[Rows, int]:
        """The requests kept of these (offset, line), and how many lines were not blank. All are counted."""
        requests: list[_Request] = []
        problems: list[tuple[int, str, bytes]] = []
        seen = 0
        read = self.reader.read
        for offset, raw in lines:
            line = raw.strip(b" \t\r\0")
            if not line:
                continue
            seen += 1
            found = read(line)
            if isinstance(found, str):
                problems.append((offset, found, line))
            else:
                # the requests of an array share a line; each still needs an offset of its own, within the line
                requests += [_Request(offset + nth, line, fields) for nth, fields in enumerate(found)]
        times, statuses = self._times_and_statuses(requests)
        if None in times or None in statuses:
            problems += [
                (request.offset, NO_TIME if time is None else NO_STATUS, request.line)
                for request, time, status in zip(requests, times, statuses, strict=True)
                if time is None or status is None
            ]
            problems.sort(key=itemgetter(0))
            good = [status is not None and time is not None for time, status in zip(times, statuses, strict=True)]
            requests = list(compress(requests, good))
            times, statuses = list(compress(times, good)), list(compress(statuses, good))
        for problem in problems:
            rejected.add(*problem)
        return self._counted(requests, times, statuses, tally), seen  # type: ignore[arg-type]

    def _times_and_statuses(self, requests: list[_Request]) -> tuple[list[int | None], list[int | None]]:
        times = self.canonical.clock.read_all([request.fields.get("time") for request in requests])
        return times, read_statuses([request.fields.get("status") for request in requests])

    def _counted(self, requests: list[_Request], times: list[int], statuses: list[int], tally: Tally) -> Rows:
        """Counts all, and gives those that are wanted."""
        canonical = self.canonical
        every = [request.fields for request in requests]

        def column(name: str) -> list[object]:
            return [fields.get(name) for fields in every]

        targets = list(map(canonical.target, *(column(name) for name in ("request", "method", "target"))))
        addresses = canonical.addresses(*(column(name) for name in ("ip", "forwarded_for", "forwarded")))
        routes = [
            named or canonical.routes.of_target(target)
            for named, target in zip(each(canonical.clean, column("route")), targets, strict=True)
        ]
        tally.add(times, routes, statuses, each(canonical.clean, column("client")), addresses)
        kept = [self.wanted is None or status in self.wanted for status in statuses]
        kept_fields = list(compress(every, kept))
        return Rows(
            offsets=[request.offset for request in compress(requests, kept)],
            statuses=list(compress(statuses, kept)),
            times=list(compress(times, kept)),
            routes=list(compress(routes, kept)),
            targets=list(compress(targets, kept)),
            addresses=list(compress(addresses, kept)),
            inputs={name: [fields.get(name) for fields in kept_fields] for name in self.reader.names},
        )


class _Request(NamedTuple):
    offset: int
    line: bytes
    fields: Mapping[str, object]
