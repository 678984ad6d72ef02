"""The careful path: one line at a time, for what the fast path does not take and for batches too small to be worth
it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from log_sentinel.parsing.rows import Rows
from log_sentinel.parsing.values import status as read_status

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
        rows = Rows(inputs={name: [] for name in self.reader.names})
        read, add = self.reader.read, rejected.add
        seen = 0
        for offset, raw in lines:
            line = raw.strip(b" \t\r\0")
            if not line:
                continue
            seen += 1
            found = read(line)
            if isinstance(found, str):
                add(offset, found, line)
                continue
            for nth, fields in enumerate(found):
                # the requests of an array share a line; each still needs an offset of its own, within the line
                problem = self._request(fields, offset + nth, rows, tally)
                if problem is not None:
                    add(offset, problem, line)
        return rows, seen

    def _request(self, fields: Mapping[str, object], offset: int, rows: Rows, tally: Tally) -> str | None:
        """Counts one request and keeps it if wanted; the reason when it is none."""
        get, canonical = fields.get, self.canonical
        time = canonical.clock.read(get("time"))
        if time is None:
            return NO_TIME
        status = read_status(get("status"))
        if status is None:
            return NO_STATUS
        target = canonical.target(get("request"), get("method"), get("target"))
        named = get("route")
        route = (canonical.clean(named) if named is not None else None) or canonical.routes.of_target(target)
        address = canonical.address(get("ip"), get("forwarded_for"), get("forwarded"))
        tally.add(time, route, status, canonical.clean(get("client")), address)
        if self.wanted is None or status in self.wanted:
            rows.offsets.append(offset)
            rows.statuses.append(status)
            rows.times.append(time)
            rows.routes.append(route)
            rows.targets.append(target)
            rows.addresses.append(address)
            for name, values in rows.inputs.items():
                values.append(get(name))
        return None
