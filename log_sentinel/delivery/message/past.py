"""What was known of clients and addresses before they were denied: by that a customer is told from an attacker.

Read from the figures of `incidents.hurt`, and from what the store knows at the time of telling (`daemon.background`):

    first_seen     ISO 8601; where there is none, nothing was seen of it before
    not_denied     its requests since the hour in which it began that were not denied
    whom           {"clients": ["customer", ""], "ips": ["stranger"]}: who those are that are denied most
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from log_sentinel.delivery.message.evidence import figure
from log_sentinel.delivery.message.message import Figure
from log_sentinel.delivery.message.phrases import statuses
from log_sentinel.delivery.message.text import Phrase, counted, number, phrase
from log_sentinel.model.spike import Dimension, Who

if TYPE_CHECKING:
    from log_sentinel.model.incident import Incident

KNOWN = (Dimension.CLIENT, Dimension.IP)
# A share of the requests is told from here on; below, too little of what was let through is known to be later.
LEAST_SHARE = 0.5
LISTED = (("clients", "client", "clients"), ("ips", "address", "addresses"))


def before(incident: Incident) -> Phrase:
    """The sentence, with a blank before it: what it was until then, what it is since."""
    if incident.dimension not in KNOWN:
        return _most_denied(incident)
    requests, share = figure(incident.evidence, "requests_before"), figure(incident.evidence, "succeeded_before")
    first = _first_seen(incident)
    if incident.evidence.get("who") == Who.STRANGER:
        never = "o request of it has ever succeeded here."
        return phrase(f" First seen {_ago(incident, first)}; n{never}" if first else f" N{never}")
    if not requests or share is None:
        return phrase(f" First seen {_ago(incident, first)}", _since_then(incident), ".") if first else phrase("")
    until = f"In the {_long(incident.since - first)} before," if first else "Until then"
    succeeded = f" {until} {share:.1%} of its {number(requests)} requests succeeded"
    ours = ": look first for what changed on your side" if incident.evidence.get("who") == Who.CUSTOMER else ""
    return phrase(succeeded, _since_then(incident), f"{ours}.")


def first_seen(incident: Incident) -> str:
    """ " First seen 6 minutes ago." or nothing."""
    first = _first_seen(incident)
    return f" First seen {_ago(incident, first)}." if first else ""


def figure_of(incident: Incident) -> Figure | None:
    """What its requests came to before it began; since when it is known, where there were none."""
    if incident.dimension not in KNOWN:
        return None
    requests, share = figure(incident.evidence, "requests_before"), figure(incident.evidence, "succeeded_before")
    first = _first_seen(incident)
    since = f"{first.astimezone(UTC):%Y-%m-%d %H:%M UTC}" if first else ""
    if not requests or share is None:
        return Figure("First seen", phrase(since)) if since else None
    hours = figure(incident.evidence, "hours_before")
    seen = f", in {counted(int(hours), 'hour')} with traffic of it" if hours else ""
    known = f" since {since}" if seen and since else ""
    return Figure("Before", phrase(f"{share:.1%} of {counted(int(requests), 'request')} succeeded{seen}{known}"))


def _since_then(incident: Incident) -> Phrase:
    """ "; since then all are denied with `403`", as far as that is known.

    Requests are counted by the hour: what was let through in the hour it began in may have been before it.
    """
    others = figure(incident.evidence, "not_denied")
    if others is None or not incident.total:
        return phrase("")
    share = incident.total / (incident.total + others)
    if share < LEAST_SHARE:
        return phrase("")
    part = "all" if not others else f"at least {int(share * 1000) / 10:.1f}%"
    return phrase(f"; since then {part} are denied", statuses(incident))


def _most_denied(incident: Incident) -> Phrase:
    """Who those are that are denied most, where it is about no single client or address: clients, or addresses where
    most denials are without a client.
    """
    whom = incident.evidence.get("whom")
    if not isinstance(whom, dict):
        return phrase("")
    without = figure(incident.evidence, "anonymous") or 0
    mostly_named = without < LEAST_SHARE * max(1, incident.observed)
    for name, noun, plural in LISTED if mostly_named else LISTED[1:]:
        found = whom.get(name)
        if not isinstance(found, list | tuple) or not found:
            continue
        many, customers = len(found), sum(one == Who.CUSTOMER for one in found)
        if customers and many == 1:
            return phrase(f" That {noun} is a customer: its requests succeeded until then.")
        if customers:
            are = "is a customer, whose" if customers == 1 else "are customers, whose"
            return phrase(f" Of the {many} {plural} denied most {customers} {are} requests succeeded until then.")
        if all(one in (Who.STRANGER, Who.NEWCOMER) for one in found):
            one = f"That {noun}" if many == 1 else f"None of the {many} {plural} denied most"
            return phrase(f" {one} has {'never' if many == 1 else 'ever'} had success here.")
        return phrase("")
    return phrase("")


def _first_seen(incident: Incident) -> datetime | None:
    """None where it is not known, or no date before its latest figures."""
    told = incident.evidence.get("first_seen")
    try:
        found = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None
    if found is None:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found if found <= incident.last_seen_at else None


def _ago(incident: Incident, first: datetime) -> str:
    return f"{_long(incident.last_seen_at - first)} ago"


def _long(length: timedelta) -> str:
    """In the largest unit of which there are two: 14 days, 3 hours, 6 minutes."""
    minutes = max(1, round(length / timedelta(minutes=1)))
    if minutes >= 2 * 1440:
        return counted(minutes // 1440, "day")
    return counted(minutes // 60, "hour") if minutes >= 120 else counted(minutes, "minute")
