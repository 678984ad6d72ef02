"""Who is hurt: a customer whose requests used to succeed, or somebody who never had any success here.

A client or address with a day of mostly successful requests behind it is a customer: that it is denied now is most
likely our doing, and graver by one step. An address that was never seen to succeed is a stranger, most likely a
scanner, and told one step lower; a client that never did is a newcomer, most likely without credentials.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from log_sentinel.incidents.grouping import SEVERITIES
from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from log_sentinel.model.spike import Spike

SETTLED_HOURS = 24
MOSTLY = 0.9
CUSTOMER, STRANGER, NEWCOMER = "customer", "stranger", "newcomer"


def with_who_is_hurt(spike: Spike, *, hours: int, requests: int, succeeded: int, first_seen: str | None) -> Spike:
    """`spike` with what was known of its key before it, and the severity that follows.

    Evidence: `who`, `succeeded_before` (a share), `requests_before`, `hours_before`, `first_seen` (ISO 8601); absent
    where nothing is known.
    """
    share = succeeded / requests if requests else 0.0
    if hours >= SETTLED_HOURS and share >= MOSTLY:
        who, step = CUSTOMER, 1
    elif succeeded:
        who, step = None, 0
    elif spike.dimension is Dimension.CLIENT:
        # somebody gave it a name: it is to have access, and never had
        who, step = NEWCOMER, 0
    else:
        who, step = STRANGER, -1
    place = SEVERITIES.index(spike.severity) + step
    known: dict[str, object] = {
        "who": who,
        "first_seen": first_seen,
        "hours_before": hours,
        "requests_before": requests,
        "succeeded_before": round(share, 4) if requests else None,
    }
    return replace(
        spike,
        severity=SEVERITIES[min(max(place, 0), len(SEVERITIES) - 1)],
        evidence=spike.evidence | {name: value for name, value in known.items() if value is not None},
    )
