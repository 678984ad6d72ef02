"""What was written, counted while it is written and without log-sentinel's code."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.traffic.request import Request


@dataclass
class Truth:
    """Counts of a file's requests. `minutes` holds (minute's start, epoch seconds; status); denied are 403 and 429."""

    lines: int = 0
    size: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    minutes: Counter[tuple[int, int]] = field(default_factory=Counter)
    denied_clients: Counter[str] = field(default_factory=Counter)
    targets: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)

    def saw(self, request: Request, size: int) -> None:
        self.lines += 1
        self.size += size
        self.statuses[request.status] += 1
        self.minutes[int(request.at) // 60 * 60, request.status] += 1
        self.targets.add(request.target)
        self.addresses.add(request.ip)
        if request.status in (403, 429) and request.client is not None:
            self.denied_clients[request.client] += 1

    @property
    def denied(self) -> int:
        return self.statuses[403] + self.statuses[429]

    def save(self, path: Path) -> None:
        """As JSON; minutes as [UTC time, status, count]."""
        minutes = [
            [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(minute)), status, count]
            for (minute, status), count in sorted(self.minutes.items())
        ]
        known = {
            "lines": self.lines,
            "bytes": self.size,
            "denied": self.denied,
            "distinct_targets": len(self.targets),
            "distinct_addresses": len(self.addresses),
            "statuses": dict(sorted(self.statuses.items())),
            "denied_clients": dict(sorted(self.denied_clients.items())),
            "minutes": minutes,
        }
        path.write_text(json.dumps(known, indent=1) + "\n")
