"""Who is hurt: a customer whose requests used to succeed, or somebody who never had any success here.

A client or address with a day of mostly successful requests behind it is a customer: that it is denied now is most
likely our doing, and graver by one step. An address that was never seen to succeed is a stranger, most likely a
scanner, and told one step lower; a client that is new and never did is a newcomer, most likely without credentials.
A rule may be for some of them only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from log_sentinel.incidents.grouping import SEVERITIES
from log_sentinel.model.spike import Dimension, Who

if TYPE_CHECKING:
    from collections.abc import Iterable

    from log_sentinel.model.spike import Spike

SETTLED_HOURS = 24
MOSTLY = 0.9


def with_who_is_hurt(
    spike: Spike, *, hours: int, requests: int, succeeded: int, first_seen: str | None, lately: int = 0
) -> Spike:
    """`spike` with what was known of its key before the hour it began in, and the severity that follows.

    `lately`: requests that succeeded in that hour: whoever has some is neither stranger nor newcomer.

    Evidence: `who`, `succeeded_before` (a share), `requests_before`, `hours_before`, `first_seen` (ISO 8601); absent
    where nothing is known.
    """
    share = succeeded / requests if requests else 0.0
    who: Who | None = None
    step = 0
    if hours >= SETTLED_HOURS and share >= MOSTLY:
        who, step = Who.CUSTOMER, 1
    elif succeeded or lately:
        pass
    elif spike.dimension is not Dimension.CLIENT:
        who, step = Who.STRANGER, -1
    elif hours < SETTLED_HOURS:
        # somebody gave it a name: it is to have access, and never had
        who = Who.NEWCOMER
    place = SEVERITIES.index(spike.severity) + step
    known: dict[str, object] = {
        "who": None if who is None else who.value,
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


def that_concern(spikes: Iterable[Spike]) -> list[Spike]:
    """Those of `spikes` whose rules are for everybody, or for those who are hurt."""
    return [spike for spike in spikes if not spike.of_whom or spike.evidence.get("who") in spike.of_whom]
