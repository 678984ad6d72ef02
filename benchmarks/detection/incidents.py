"""The labelled incidents: nine kinds, weak to strong, sudden or creeping."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.detection.world import Row, anywhere, poisson

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from benchmarks.detection.world import World

# Denials a minute at full strength, from and to, and how often each strength is drawn.
STRENGTHS = {"weak": (5, 9), "medium": (12, 35), "strong": (60, 220)}
SHARES = (0.25, 0.40, 0.35)
RAMPS = (0, 0, 10, 30)
KINDS = (
    "client over its quota",
    "client without credentials",
    "new client",
    "client from new addresses",
    "scanner",
    "subnet",
    "route broken",
    "route attacked",
    "everybody",
)
# A key with this share of an incident's denials is a right name for it, if not the best.
PART = 0.1


@dataclass
class Labelled:
    """`roots`: (dimension, key) that name the cause; `parts`: all that may be told for it. Minutes are numbered."""

    kind: str
    strength: str
    start: int
    end: int
    rate: float
    ramp: int
    roots: set[tuple[str, str]]
    draw: Callable[[], Row]
    denials: Counter[tuple[str, str]] = field(default_factory=Counter)
    total: int = 0

    def rows(self, minute: int, random: Random) -> Counter[Row]:
        found = Counter[Row]()
        if self.start <= minute < self.end:
            risen = min(1.0, (minute - self.start + 1) / self.ramp) if self.ramp else 1.0
            for _ in range(poisson(random, self.rate * risen)):
                client, ip, route, _ = row = self.draw()
                found[row] += 1
                self.total += 1
                names = {"client": client, "ip": ip, "network": ip.rpartition(".")[0] + ".0/24", "route": route}
                self.denials.update((dimension, key) for dimension, key in names.items() if key is not None)
        return found

    @property
    def parts(self) -> set[tuple[str, str]]:
        return self.roots | {part for part, n in self.denials.items() if n >= PART * self.total}


def labelled(world: World, random: Random, each: int, warm_up: int) -> list[Labelled]:
    """`each` incidents of every kind, after the warm-up and not close together where they could be one."""
    last = world.days * 1440
    starts = sorted(random.sample(range(warm_up, last - 120, 45), each * len(KINDS)))
    random.shuffle(starts)
    return [
        _one(kind, start + random.randrange(20), world, random)
        for kind, start in zip((kind for kind in KINDS for _ in range(each)), starts, strict=True)
    ]


def _one(kind: str, start: int, world: World, random: Random) -> Labelled:
    strength = random.choices(list(STRENGTHS), SHARES)[0]
    rate = random.uniform(*STRENGTHS[strength])
    if kind == "everybody":
        rate *= 6
    roots, draw = _shape(kind, world, random)
    return Labelled(kind, strength, start, start + random.randrange(20, 90), rate, random.choice(RAMPS), roots, draw)


def _shape(kind: str, world: World, random: Random) -> tuple[set[tuple[str, str]], Callable[[], Row]]:
    """What names the cause, and what draws one denial of it."""
    client = random.choice(world.clients[len(world.clients) // 50 :])
    status = random.choice([403, 429])
    new_ips = [anywhere(random) for _ in range(12)]
    anyone = world.clients[: max(200, len(world.clients) // 5)]

    def of_client(name: str, ips: list[str], status: int) -> tuple[set[tuple[str, str]], Callable[[], Row]]:
        return {("client", name)}, lambda: (name, random.choice(ips), random.choice(client.routes), status)

    def anonymous(ips: list[str]) -> Callable[[], Row]:
        return lambda: (None, random.choice(ips), f"/probe/{random.randrange(400)}", 403)

    def of_anyone(route: str | None) -> Callable[[], Row]:
        def draw() -> Row:
            met = random.choice(anyone)
            return (met.name, random.choice(met.ips), route or random.choice(met.routes), status)

        return draw

    if kind == "client over its quota":
        return of_client(client.name, client.ips, 429)
    if kind == "client without credentials":
        return of_client(client.name, client.ips, 403)
    if kind == "new client":
        return of_client(f"new-{random.randrange(10**6)}", new_ips[:2], 403)
    if kind == "client from new addresses":
        return of_client(client.name, new_ips, 403)
    if kind == "scanner":
        return {("ip", new_ips[0])}, anonymous(new_ips[:1])
    if kind == "subnet":
        net = new_ips[0].rpartition(".")[0]
        return {("network", f"{net}.0/24")}, anonymous([f"{net}.{host}" for host in range(1, 120)])
    if kind == "route broken":
        route = random.choice(client.routes)
        return {("route", route)}, of_anyone(route)
    if kind == "route attacked":
        route = f"/api/v1/incident-{random.randrange(10**6)}"
        swarm = [anywhere(random) for _ in range(800)]
        return {("route", route)}, lambda: (None, random.choice(swarm), route, status)
    return {("all", "all")}, of_anyone(None)
