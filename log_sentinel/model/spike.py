"""A finding of the detection: one thing denied far more than usual."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Dimension(StrEnum):
    """What is denied, or where. `self` is log-sentinel: what it cannot see or do; no rule looks at that."""

    ALL = "all"
    CLIENT = "client"
    IP = "ip"
    NETWORK = "network"
    ROUTE = "route"
    ROUTE_CLIENT = "route_client"
    SOURCE = "source"
    SELF = "self"


class Who(StrEnum):
    """Whom a spike hurts, as what became of its key's earlier requests tells: somebody whose requests mostly succeeded
    for a day, a client that never had success here, an address that never had.
    """

    CUSTOMER = "customer"
    NEWCOMER = "newcomer"
    STRANGER = "stranger"


class Severity(StrEnum):
    """The least first. `notice` is what log-sentinel tells of itself; no rule has it."""

    NOTICE = "notice"
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Spike:
    """`rule` says of `key` (one value of `dimension`) at the end of minute `at` (UTC): far more than usual.

    `observed` denials in the last `window_minutes`, where `expected` were usual (None: there is no usual yet).
    `since` is the first minute (UTC) of what is seen. `evidence` holds further figures for the message, JSON-able:
    statuses, causes, top clients, ips and routes with their counts, requests in the window. `yields_to`: rules that
    say more, where they fire for this key too. `of_whom`: it counts only where one of these is hurt, if any is named.
    `of_many`: it was found by how many are denied, so that no one of them explains it.
    """

    rule: str
    dimension: Dimension
    key: str
    severity: Severity
    at: datetime
    since: datetime
    observed: int
    expected: float | None
    window_minutes: int
    evidence: dict[str, object] = field(default_factory=dict)
    yields_to: tuple[str, ...] = ()
    of_whom: tuple[Who, ...] = ()
    of_many: bool = False
