"""The careful path: one line at a time, for what the fast path does not take and for batches too small to be worth
it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import compress
from operator import itemgetter
from typing import TYPE_CHECKING, Protocol

from log_sentinel.parsing.bulk import REQUEST
from log_sentinel.parsing.bulk_activity import ADDRESS
from log_sentinel.parsing.rows import Rows
from log_sentinel.parsing.values import each
from log_sentinel.parsing.values import statuses as read_statuses

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from log_sentinel.parsing.canonical import Canonical
    from log_sentinel.parsing.tally import Tally

    # a value for each of a reader's names
    Inputs = tuple[object, ...]

NO_FIT = "does not fit the format"
NO_TIME = "no time, or one no gateway can have had"
NO_STATUS = "no status"


class LineReader(Protocol):
    """Reads one line's fields; `names` are the inputs it gives, in their order."""

    names: tuple[str, ...]

    def read(self, line: bytes) -> Sequence[Inputs] | str:
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
        requests: list[Inputs] = []
        places: list[tuple[int, bytes]] = []
        problems: list[tuple[int, str, bytes]] = []
        seen = 0
        read = self.reader.read
        for offset, raw in lines:
            line = raw.strip(b" \t\r\0")
            if not line:
                continue
            seen += 1
            found = read(line)
            if isinstance(found, str) and raw.startswith((b" ", b"\t")):
                # the first field may be empty
                line = raw.rstrip(b" \t\r\0")
                found = read(line)
            if isinstance(found, str):
                problems.append((offset, found, line))
            else:
                requests += found
                # the requests of an array share a line; each still needs an offset of its own, within the line
                places += [(offset + nth, line) for nth in range(len(found))]
        inputs: dict[str, Sequence[object]] = dict(zip(self.reader.names, zip(*requests, strict=True), strict=False))
        times = self.canonical.clock.read_all(inputs.get("time", ()))
        statuses = read_statuses(inputs.get("status", ()))
        if None in times or None in statuses:
            problems += [
                (offset, NO_TIME if time is None else NO_STATUS, line)
                for (offset, line), time, status in zip(places, times, statuses, strict=True)
                if time is None or status is None
            ]
            problems.sort(key=itemgetter(0))
            good = [status is not None and time is not None for time, status in zip(times, statuses, strict=True)]
            inputs = {name: list(compress(values, good)) for name, values in inputs.items()}
            places, times, statuses = (list(compress(values, good)) for values in (places, times, statuses))  # type: ignore[assignment]
        for problem in problems:
            rejected.add(*problem)
        offsets = [offset for offset, _ in places]
        return self._counted(offsets, inputs, times, statuses, tally), seen  # type: ignore[arg-type]

    def _counted(
        self,
        offsets: list[int],
        inputs: dict[str, Sequence[object]],
        times: list[int],
        statuses: list[int],
        tally: Tally,
    ) -> Rows:
        """Counts all, and gives those that are wanted."""
        canonical = self.canonical
        missing: list[object] = [None] * len(times)
        requests = [inputs.get(name, missing) for name in REQUEST]
        addresses = canonical.addresses(*(inputs.get(name, missing) for name in ADDRESS))
        named = each(canonical.clean, inputs.get("route", missing))
        routes = [name or canonical.route(*parts) for name, *parts in zip(named, *requests, strict=True)]
        tally.add(times, routes, statuses, each(canonical.clean, inputs.get("client", missing)), addresses)
        kept = [self.wanted is None or status in self.wanted for status in statuses]
        return Rows(
            offsets=list(compress(offsets, kept)),
            statuses=list(compress(statuses, kept)),
            times=list(compress(times, kept)),
            routes=list(compress(routes, kept)),
            targets=canonical.targets(*(list(compress(values, kept)) for values in requests)),
            addresses=list(compress(addresses, kept)),
            inputs={name: list(compress(inputs.get(name, missing), kept)) for name in self.reader.names},
        )
