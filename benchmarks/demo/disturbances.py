"""What goes wrong: a partner runs into its limit, an address tries every door, a deploy breaks a route; then again.

One of each kind comes early, so that an impatient reader sees them all; after that they follow each other at a calmer
pace, with other actors each time.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from benchmarks.demo.world import Gateway, Partner, World
from benchmarks.traffic import population
from benchmarks.traffic.request import Request

Kind = Literal["client", "ip", "route"]
KINDS: tuple[Kind, ...] = ("client", "ip", "route")

# Seconds of event time: when the first of each kind begin after the demo went live, how long each takes, and how long
# after one another they begin from then on.
MINUTE = 60
OPENING = (3 * MINUTE, 5 * MINUTE, 7 * MINUTE)
LASTS = 6 * MINUTE
PAUSE = 24 * MINUTE

# Denials a minute. Each stays small in the two dimensions that are not its own: 64 over 16 addresses and 12 routes.
LIMITED, LIMITED_IPS = 64, 16
SCANNED = 45
BROKEN = 110

_WORDS = ("admin", "backup", "config", "console", "db", "debug", "login", "manager", "old", "setup", "shell", "test")
_ENDINGS = ("", ".php", ".bak", ".zip", ".sql", ".old", ".json", ".yml", ".jsp", ".aspx", ".cgi", ".tar.gz")
DOORS = tuple(f"/{word}{ending}" for ending in _ENDINGS for word in _WORDS)


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Denials about one `actor`: the name of a client, address or route. Times are epoch seconds, whole minutes."""

    kind: Kind
    gateway: Gateway
    actor: str
    starts: int
    turn: int

    @property
    def ends(self) -> int:
        return self.starts + LASTS

    def requests(self, world: World, minute: int) -> list[Request]:
        """What it adds to the minute that starts at `minute`; nothing before its start and after its end."""
        if not self.starts <= minute < self.ends:
            return []
        rng = random.Random(f"{world.seed} {self.turn} {minute}")
        if self.kind == "client":
            return _over_the_limit(world, rng, minute, self)
        if self.kind == "ip":
            return _scan(world, rng, minute, self.actor)
        return _broken_route(world, rng, minute, population.ROUTE[self.actor])


def disturbances(world: World, live_from: int) -> Iterator[Disturbance]:
    """All that will ever happen, in order of their start, without end."""
    turn = 0
    while True:
        round_, position = divmod(turn, len(KINDS))
        starts = OPENING[turn] if turn < len(OPENING) else OPENING[-1] + PAUSE * (turn - len(OPENING) + 1)
        kind = KINDS[position]
        # a scanner comes through the front door; the others take turns between the gateways
        gateway: Gateway = "edge" if kind == "ip" or round_ % 2 else "kong"
        yield Disturbance(kind, gateway, _actor(world, kind, round_), live_from + starts, turn)
        turn += 1


def _actor(world: World, kind: Kind, round_: int) -> str:
    if kind == "client":
        return world.partners[(10 + 7 * round_) % len(world.partners)].name
    if kind == "ip":
        return f"203.0.113.{10 + 37 * round_ % 240}"
    return population.ROUTES[(5 + 5 * round_) % len(population.ROUTES)].name


def _over_the_limit(world: World, rng: random.Random, minute: int, spike: Disturbance) -> list[Request]:
    # other addresses each time, so that none of them becomes a habit
    hosts = (1 + (LIMITED_IPS * spike.turn + n) % 254 for n in range(LIMITED_IPS))
    runaway = Partner(spike.actor, tuple(f"198.51.100.{host}" for host in hosts))
    return [world.call(rng, minute, runaway, rng.choice(population.ROUTES), 429) for _ in range(LIMITED)]


def _scan(world: World, rng: random.Random, minute: int, ip: str) -> list[Request]:
    scanner = Partner("", (ip,))
    return [
        world.call(rng, minute, scanner, population.ROUTES[0], 403)._replace(
            client=None, method="GET", target=door, agent="Mozilla/5.0 (compatible; Nikto/2.5.0)"
        )
        for door in rng.sample(DOORS, SCANNED)
    ]


def _broken_route(world: World, rng: random.Random, minute: int, route: population.Route) -> list[Request]:
    return [world.call(rng, minute, rng.choice(world.partners), route, 403, from_upstream=True) for _ in range(BROKEN)]
