"""Ordinary traffic of a small shop: an nginx that everybody meets first, and a Kong before the partners' API.

Some of it is denied on any day: bots that try the usual doors, partners whose keys have expired, heavy users who run
into their limit now and then. None of that is news, and the daemon learns so from the history.
"""

import math
import random
from typing import Literal, NamedTuple

from benchmarks.traffic import population
from benchmarks.traffic.request import Request

Gateway = Literal["edge", "kong"]
GATEWAYS: tuple[Gateway, ...] = ("edge", "kong")

PER_MINUTE = {"edge": 95, "kong": 25}
NAMED = {"edge": 0.4, "kong": 1.0}
VISITORS = 3_000
PARTNERS = 60
EXPIRED = 2
DAY = 86_400
NOT_FOR_VISITORS = ("/admin/", "/internal/")
BOT_DOORS = ("/wp-login.php", "/.env", "/.git/config", "/phpmyadmin/", "/xmlrpc.php", "/actuator/env")
BOT_AGENT = "Mozilla/5.0 zgrab/0.x"
ALLOWED = (200,) * 90 + (201,) * 4 + (304,) * 3 + (404,) * 3


class Partner(NamedTuple):
    """An API consumer, known by its key, and the addresses it calls from."""

    name: str
    ips: tuple[str, ...]


class World:
    """Who lives here; the same seed makes the same world."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(f"world {seed}")
        pool = population.addresses(VISITORS + 3 * PARTNERS, rng)
        self.seed = seed
        self.visitors = pool[:VISITORS]
        self.partners = [
            Partner(name, tuple(pool[VISITORS + 3 * n : VISITORS + 3 * n + 1 + n % 3]))
            for n, name in enumerate(population.clients(PARTNERS))
        ]

    def ordinary(self, gateway: Gateway, minute: int) -> list[Request]:
        """What reaches a gateway in the minute that starts at `minute` (epoch seconds), in no order."""
        rng = random.Random(f"{self.seed} {gateway} {minute}")
        count = round(rng.gauss(PER_MINUTE[gateway] * _busy(minute), 4))
        routes = rng.choices(population.ROUTES, cum_weights=_CUMULATIVE, k=count)
        requests = [self._visit(gateway, minute, rng, route) for route in routes]
        for partner in self.partners[-EXPIRED:]:
            if rng.random() < 0.5:
                requests.append(self.call(rng, minute, partner, rng.choice(population.ROUTES), 403))
        if gateway == "edge" and rng.random() < 0.3:
            requests += self._bot(minute, rng)
        return requests

    def call(
        self,
        rng: random.Random,
        minute: int,
        who: Partner,
        route: population.Route,
        status: int,
        *,
        from_upstream: bool = False,
    ) -> Request:
        """One call of a partner at a random moment of the minute."""
        return Request(
            at=minute + rng.random() * 60,
            ip=rng.choice(who.ips),
            client=who.name,
            method=route.method,
            target=route.template.format(1_000 + int(rng.random() * 8_000)),
            route=route.name,
            status=status,
            size=153 if status in (403, 429) else 200 + int(rng.random() * 20_000),
            referer="-",
            agent=population.AGENTS[3 + len(who.name) % 5],
            seconds=round(rng.expovariate(20), 3),
            from_upstream=from_upstream or status not in (403, 429),
        )

    def _visit(self, gateway: Gateway, minute: int, rng: random.Random, route: population.Route) -> Request:
        if rng.random() < NAMED[gateway]:
            rank = int((PARTNERS - EXPIRED) ** rng.random()) - 1
            limited = rank < 5 and rng.random() < 0.02
            return self.call(rng, minute, self.partners[rank], route, 429 if limited else rng.choice(ALLOWED))
        visitor = Partner("", (self.visitors[int(VISITORS ** rng.random()) - 1],))
        forbidden = route.template.startswith(NOT_FOR_VISITORS) and rng.random() < 0.5
        visit = self.call(rng, minute, visitor, route, 403 if forbidden else rng.choice(ALLOWED))
        return visit._replace(client=None, referer=rng.choice(population.REFERERS), agent=rng.choice(population.AGENTS))

    def _bot(self, minute: int, rng: random.Random) -> list[Request]:
        bot = Partner("", (rng.choice(self.visitors),))
        return [
            self.call(rng, minute, bot, population.ROUTES[0], 403)._replace(
                client=None, method="GET", target=door, agent=BOT_AGENT
            )
            for door in rng.sample(BOT_DOORS, rng.randint(1, 4))
        ]


def _busy(minute: int) -> float:
    """The day's shape, 1 on average: quietest at four in the morning (UTC), busiest at four in the afternoon."""
    return 1 - 0.5 * math.cos(2 * math.pi * ((minute % DAY) / DAY - 4 / 24))


_CUMULATIVE = [sum(route.weight for route in population.ROUTES[: n + 1]) for n in range(len(population.ROUTES))]
