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
GRAVER = {Who.CUSTOMER: 1, Who.NEWCOMER: 0, Who.STRANGER: -1}


def who_it_is(dimension: Dimension, *, hours: int, requests: int, succeeded: int, lately: int = 0) -> Who | None:
    """Who a client or an address is, by its requests before it was denied; None for nobody in particular.

    `lately`: requests that succeeded since the beginning of that hour: whoever has some is neither stranger nor
    newcomer.
    """
    if hours >= SETTLED_HOURS and succeeded >= MOSTLY * requests > 0:
        return Who.CUSTOMER
    if succeeded or lately:
        return None
    if dimension is not Dimension.CLIENT:
        return Who.STRANGER
    # somebody gave it a name: it is to have access, and never had
    return Who.NEWCOMER if hours < SETTLED_HOURS else None


def with_who_is_hurt(
    spike: Spike, *, hours: int, requests: int, succeeded: int, first_seen: str | None, lately: int = 0
) -> Spike:
    """`spike` with what was known of its key before the hour it began in, and the severity that follows.

    Evidence: `who`, `succeeded_before` (a share), `requests_before`, `hours_before`, `first_seen` (ISO 8601); absent
    where nothing is known.
    """
    who = who_it_is(spike.dimension, hours=hours, requests=requests, succeeded=succeeded, lately=lately)
    place = SEVERITIES.index(spike.severity) + (0 if who is None else GRAVER[who])
    known: dict[str, object] = {
        "who": None if who is None else who.value,
        "first_seen": first_seen,
        "hours_before": hours,
        "requests_before": requests,
        "succeeded_before": round(succeeded / requests, 4) if requests else None,
    }
    return replace(
        spike,
        severity=SEVERITIES[min(max(place, 0), len(SEVERITIES) - 1)],
        evidence=spike.evidence | {name: value for name, value in known.items() if value is not None},
    )


def that_concern(spikes: Iterable[Spike]) -> list[Spike]:
    """Those of `spikes` whose rules are for everybody, or for those who are hurt."""
    return [spike for spike in spikes if not spike.of_whom or spike.evidence.get("who") in spike.of_whom]
