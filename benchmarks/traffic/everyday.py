"""Traffic in bulk for the bench: a plain mixture at an even rate, as much of it as is asked for."""

import random
from collections.abc import Iterator

from benchmarks.traffic import population
from benchmarks.traffic.request import Request

# 2026-11-01 00:00 UTC. Fixed, because the same seed must give the same bytes on any day.
START = 1_793_491_200
PER_SECOND = 40
ADDRESSES = 100_000
CLIENTS = 2_000
POPULAR = 20_000
NEW_PATHS = 0.3

# In thousandths (they add up to 1000) of what is not denied; the 503s are what `candidate_statuses` looks at.
ALLOWED = ((200, 880), (201, 40), (204, 25), (304, 20), (404, 25), (301, 5), (500, 3), (502, 1), (503, 1))


def everyday(lines: int, denied: float, seed: int, known: float = 0.1) -> Iterator[Request]:
    """Requests in the order of their end, 40 a second.

    `denied`: the share answered 403 or 429, half each. `known`: the share of addresses whose requests name a client.
    Addresses and repeated paths are drawn by Zipf's law (rank = N ** u, u even on 0..1), one address in ten evenly, so
    that nearly all of them occur in a file of millions; three paths in ten never occurred before.
    """
    rng = random.Random(seed)
    ips = population.addresses(ADDRESSES, rng)
    names = population.clients(CLIENTS)
    popular = population.paths(POPULAR, rng)
    fresh = population.paths(1_000, rng)
    allowed = [status for status, weight in ALLOWED for _ in range(weight)]
    agents, referers = population.AGENTS, population.REFERERS
    known_in_ten = round(known * 10)
    draw = rng.random
    for n in range(lines):
        rank = int(ADDRESSES ** draw()) - 1 if draw() < 0.9 else int(ADDRESSES * draw())
        chance = draw()
        if chance < NEW_PATHS:
            route = fresh[n % 1_000][0]
            target = route.template.format(10_000_000 + n)
        else:
            route, target = popular[int(POPULAR ** draw()) - 1]
        chance = draw()
        if chance < denied / 2:
            status = 403
        elif chance < denied:
            status = 429
        else:
            status = allowed[int(draw() * 1_000)]
        yield Request(
            at=START + n / PER_SECOND,
            ip=ips[rank],
            client=names[rank % CLIENTS] if rank % 10 < known_in_ten else None,
            method=route.method,
            target=target,
            route=route.name,
            status=status,
            size=int(40_000 * chance * chance) + 150 if status < 400 else 153,
            referer=referers[rank % 5],
            agent=agents[rank % 7],
            seconds=0.004 + chance * 0.2,
            from_upstream=status not in (403, 429) or rank % 3 == 0,
        )
