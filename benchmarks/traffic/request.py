"""One request as the gateway saw it, before any log format has put it into words."""

from typing import NamedTuple


class Request(NamedTuple):
    """A finished request.

    `at`: when it ended, epoch seconds UTC. `client`: the API consumer, if it named itself. `target`: path and query as
    sent. `route`: a name of `population.ROUTES`. `size`: body bytes sent. `seconds`: how long it took.
    `from_upstream`: the answer is the upstream's; otherwise the gateway gave it without asking anybody.
    """

    at: float
    ip: str
    client: str | None
    method: str
    target: str
    route: str
    status: int
    size: int
    referer: str
    agent: str
    seconds: float
    from_upstream: bool
