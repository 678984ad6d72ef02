"""Puts the world's traffic into the gateways' logs, as far as the event time that it is told.

The logs are rotated by rename at each event midnight and one old copy is kept: an endless demo fits on the disk.
"""

from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from benchmarks.demo.disturbances import MINUTE, Disturbance, disturbances
from benchmarks.demo.world import DAY, GATEWAYS, Gateway, World
from benchmarks.traffic.combined import combined
from benchmarks.traffic.kong import kong
from benchmarks.traffic.request import Request
from benchmarks.traffic.truth import Truth

LINE: dict[Gateway, Callable[[Request], str]] = {"edge": combined, "kong": kong}


class Playing:
    """Two logs below `folder`: the history before `live_from`, then what `play_until` is asked for.

    `written` counts each log's lines, `begun` holds the disturbances so far. Times are epoch seconds, `live_from` is a
    whole minute.
    """

    def __init__(self, folder: Path, world: World, live_from: int) -> None:
        self.written: dict[Gateway, Truth] = {gateway: Truth() for gateway in GATEWAYS}
        self.begun: list[Disturbance] = []
        self.paths: dict[Gateway, Path] = {"edge": folder / "nginx-access.log", "kong": folder / "kong-file.log"}
        self._world = world
        self._coming = disturbances(world, live_from)
        self._next = next(self._coming)
        self._logs: dict[Gateway, BinaryIO] = {
            gateway: path.open("ab", buffering=0) for gateway, path in self.paths.items()
        }
        self._minute = live_from
        self._waiting = {gateway: self._requests(gateway) for gateway in GATEWAYS}

    def write_history(self, seconds: int) -> None:
        """The ordinary traffic of so many seconds (whole minutes) before the demo goes live."""
        for minute in range(self._minute - seconds, self._minute, MINUTE):
            for gateway in GATEWAYS:
                self._append(gateway, sorted(self._world.ordinary(gateway, minute)))

    def play_until(self, moment: float) -> None:
        """Appends what ended before `moment` and was not written yet."""
        self._append_before(moment)
        while self._minute + MINUTE <= moment:
            self._minute += MINUTE
            if self._minute % DAY == 0:
                self._rotate()
            while self._next.starts <= self._minute:
                self.begun.append(self._next)
                self._next = next(self._coming)
            self._waiting = {gateway: self._requests(gateway) for gateway in GATEWAYS}
            self._append_before(moment)

    def close(self) -> None:
        for log in self._logs.values():
            log.close()

    def _requests(self, gateway: Gateway) -> deque[Request]:
        """What reaches the gateway in the minute that has come, in the order of its end."""
        requests = self._world.ordinary(gateway, self._minute)
        for disturbance in self.begun:
            if disturbance.gateway == gateway:
                requests += disturbance.requests(self._world, self._minute)
        return deque(sorted(requests))

    def _append_before(self, moment: float) -> None:
        for gateway, waiting in self._waiting.items():
            due = []
            while waiting and waiting[0].at < moment:
                due.append(waiting.popleft())
            self._append(gateway, due)

    def _append(self, gateway: Gateway, requests: Iterable[Request]) -> None:
        told = []
        for request in requests:
            line = LINE[gateway](request).encode()
            self.written[gateway].saw(request, len(line))
            told.append(line)
        if told:
            self._logs[gateway].write(b"".join(told))

    def _rotate(self) -> None:
        for gateway, path in self.paths.items():
            self._logs[gateway].close()
            path.rename(path.with_name(path.name + ".1"))
            self._logs[gateway] = path.open("ab", buffering=0)
