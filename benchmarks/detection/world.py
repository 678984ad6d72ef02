"""The usual: clients, addresses and routes of a gateway, with everything that looks like an incident and is none.

Clients follow Zipf's law, belong to one of three kinds of day, come in clusters and drift from hour to hour. Among the
innocent: hourly jobs, offices that begin at nine sharp, clients that retry in short flaps, background scanners (new
addresses all the time, at most 25 denials each), traffic that doubles with its denials, gaps in the log.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

# client, ip, route, status
Row = tuple[str | None, str, str, int]

ROUTES = 389
DENIALS_PER_CLIENT = {"S": 0.15, "M": 0.05, "L": 0.02}
CLIENTS = {"S": 1_000, "M": 10_000, "L": 100_000}
DENIED_SHARE = 0.03
CLUSTER = 2.2
DRIFT = 0.35
BOTS_A_MINUTE = 1.5
FLAPS_AN_HOUR = 3


@dataclass
class Client:
    name: str
    day: str
    ips: list[str]
    routes: list[str]
    throttled: float
    hourly: int | None = None
    burst: int = 0


@dataclass
class World:
    """A seeded gateway. `minute(m)` gives the denials of that minute; minutes must be asked for in order."""

    size: str
    random: Random
    days: int
    clients: list[Client] = field(default_factory=list)
    doublings: list[tuple[int, int, float]] = field(default_factory=list)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    bots: list[tuple[int, str, float]] = field(default_factory=list)
    flaps: list[tuple[int, Client, float]] = field(default_factory=list)
    _hour: int = -1
    _cumulative: list[float] = field(default_factory=list)
    _shares: dict[str, list[tuple[str, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        draw = self.random
        routes = [f"/api/v{1 + n % 3}/r{n}" for n in range(ROUTES)]
        asked: dict[str, Counter[str]] = {"office": Counter(), "night": Counter(), "flat": Counter()}
        for number in range(CLIENTS[self.size]):
            nets = [anywhere(draw).rpartition(".")[0] for _ in range(draw.choice([1, 1, 2]))]
            many = 1 + min(30, int(draw.paretovariate(1.1)))
            ips = [f"{draw.choice(nets)}.{draw.randrange(1, 255)}" for _ in range(many)]
            self.clients.append(
                Client(
                    f"client-{number}",
                    draw.choice(["office", "office", "flat", "night"]),
                    ips,
                    [routes[min(ROUTES - 1, int(draw.paretovariate(0.6)) - 1)] for _ in range(draw.randrange(1, 9))],
                    draw.choice([0.1, 0.5, 0.9]),
                )
            )
        for number, client in enumerate(self.clients):
            for route in client.routes:
                asked[client.day][route] += 10**6 // ((number + 1) * len(client.routes))
        whole = sum(routes.total() for routes in asked.values())
        self._shares = {kind: [(route, n / whole) for route, n in sorted(of.items())] for kind, of in asked.items()}
        for client in draw.sample(self.clients, max(2, len(self.clients) // 250)):
            client.hourly, client.burst = draw.randrange(60), draw.randrange(30, 150)
        minutes = self.days * 1440
        for _ in range(max(1, self.days // 2)):
            start = draw.randrange(min(1440, minutes // 2), minutes)
            self.doublings.append((start, start + draw.randrange(45, 150), draw.uniform(1.8, 3.0)))
            start = draw.randrange(min(1440, minutes // 2), minutes)
            self.gaps.append((start, start + draw.randrange(8, 25)))

    def times(self, minute: int) -> float:
        """How many times the usual traffic there is."""
        return max([factor for start, end, factor in self.doublings if start <= minute < end], default=1.0)

    def silent(self, minute: int) -> bool:
        return any(start <= minute < end for start, end in self.gaps)

    def rows(self, minute: int) -> Counter[Row]:
        """The denials of that minute and how many there are of each."""
        draw, found = self.random, Counter[Row]()
        if minute // 60 != self._hour:
            self._turn_hour(minute)
        for _ in range(poisson(draw, self._cumulative[-1] * self.times(minute) / CLUSTER)):
            client = self.clients[bisect(self._cumulative, draw.random() * self._cumulative[-1])]
            row = self._row(client)
            found[row] += 1 + int(draw.expovariate(1.0 / (CLUSTER - 1)))
        for client in self.clients:
            if client.hourly is not None and 0 <= minute % 60 - client.hourly < 2:
                found[self._row(client)] += client.burst // 2
        self._scan(minute, found)
        self._flap(minute, found)
        return found

    def requests(self, minute: int) -> Counter[str]:
        """The requests of that minute by route, without what is denied."""
        usual = len(self.clients) * DENIALS_PER_CLIENT[self.size] / DENIED_SHARE
        found: Counter[str] = Counter()
        for kind, shares in self._shares.items():
            now = usual * self.times(minute) * day(kind, minute)
            found.update({route: poisson(self.random, now * share) for route, share in shares})
        return found

    def _turn_hour(self, minute: int) -> None:
        self._hour = minute // 60
        total = len(self.clients) * DENIALS_PER_CLIENT[self.size]
        norm = sum(1 / (n + 1) for n in range(len(self.clients)))
        self._cumulative = list(
            accumulate(
                total * day(client.day, minute) * self.random.lognormvariate(0, DRIFT) / (n + 1) / norm
                for n, client in enumerate(self.clients)
            )
        )

    def _row(self, client: Client) -> Row:
        draw = self.random
        status = 429 if draw.random() < client.throttled else 403
        return (client.name, client.ips[int(len(client.ips) * draw.random() ** 2)], draw.choice(client.routes), status)

    def _scan(self, minute: int, found: Counter[Row]) -> None:
        draw = self.random
        for _ in range(poisson(draw, BOTS_A_MINUTE)):
            length = draw.randrange(1, 10)
            self.bots.append((minute + length, anywhere(draw), draw.randrange(1, 26) / length))
        self.bots = [bot for bot in self.bots if bot[0] > minute]
        for _, ip, rate in self.bots:
            for _ in range(poisson(draw, rate)):
                found[None, ip, f"/probe/{draw.randrange(60)}", 403] += 1

    def _flap(self, minute: int, found: Counter[Row]) -> None:
        draw = self.random
        if draw.random() < FLAPS_AN_HOUR / 60:
            length = draw.randrange(1, 4)
            self.flaps.append((minute + length, draw.choice(self.clients), draw.randrange(20, 80) / length))
        self.flaps = [flap for flap in self.flaps if flap[0] > minute]
        for _, client, rate in self.flaps:
            found[self._row(client)] += poisson(draw, rate)


def anywhere(draw: Random) -> str:
    """An address of the internet."""
    return f"{draw.randrange(11, 220)}.{draw.randrange(256)}.{draw.randrange(256)}.{draw.randrange(1, 255)}"


def day(kind: str, minute: int) -> float:
    """How busy that kind of client is; minute 0 is a Monday midnight."""
    hour, weekend = minute / 60 % 24, minute // 1440 % 7 >= 5
    if kind == "office":
        return 0.15 if weekend or not 9 <= hour < 18 else 2.2
    if kind == "night":
        return 1.8 if hour < 6 else 0.7
    return (1.0 + 0.5 * math.sin((hour - 8) / 24 * 2 * math.pi)) * (0.8 if weekend else 1.0)


def poisson(draw: Random, mean: float) -> int:
    """A Poisson variate; above 30 its normal approximation."""
    if mean > 30:
        return max(0, round(draw.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), draw.random(), 0
    while product > limit:
        product *= draw.random()
        count += 1
    return count
