"""What all sentences are made of: who it is about, when, how long, how many against how many usual."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from log_sentinel.delivery.message.evidence import figure, tops
from log_sentinel.delivery.message.text import Phrase, counted, joined, number, phrase, quoted
from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from log_sentinel.model.incident import Incident

WHO = {
    Dimension.CLIENT: "client ",
    Dimension.IP: "address ",
    Dimension.NETWORK: "network ",
    Dimension.ROUTE: "route ",
    Dimension.ROUTE_CLIENT: "client and route ",
    Dimension.SOURCE: "log source ",
}
# Fewer than this is told as none.
NONE_USUAL = 0.5
# Beyond this many times the usual the exact factor says nothing more.
FACTOR_SHOWN = 1000


def who(incident: Incident, *, capital: bool = False) -> Phrase:
    """What the incident is about: "client `acme`", "all clients"."""
    if incident.dimension is Dimension.ALL:
        return phrase("All clients" if capital else "all clients")
    noun = WHO[incident.dimension]
    return phrase(noun.capitalize() if capital else noun, quoted(incident.key))


def clock(moment: datetime, *, beside: datetime) -> str:
    """A moment in UTC, told by somebody for whom it is `beside`: on the same day the time is enough."""
    there, here = moment.astimezone(UTC), beside.astimezone(UTC)
    return there.strftime("%H:%M UTC" if there.date() == here.date() else "%Y-%m-%d %H:%M UTC")


def since(incident: Incident) -> str:
    return f"since {clock(incident.since, beside=incident.last_seen_at)}"


def duration(length: timedelta) -> str:
    """How long, in the two largest units: 41 min, 3 h 5 min, 2 d 4 h."""
    minutes = max(0, round(length.total_seconds() / 60))
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else "less than a minute"


def lasted(incident: Incident) -> str:
    return duration((incident.resolved_at or incident.last_seen_at) - incident.since)


def window(incident: Incident) -> str:
    return f"in the last {counted(incident.window_minutes, 'minute')}"


def denials(n: int) -> str:
    return counted(n, "denial")


def usual(incident: Incident) -> str:
    if incident.expected is None:
        return "no usual level known yet"
    return "usually none" if incident.expected < NONE_USUAL else f"usually {number(incident.expected)}"


def times_usual(incident: Incident) -> str:
    """ " (137 times as many)", or nothing where no usual is known."""
    if incident.expected is None or incident.expected < NONE_USUAL:
        return ""
    factor = incident.observed / incident.expected
    shown = f"over {number(FACTOR_SHOWN)}" if factor > FACTOR_SHOWN else number(factor)
    return f" ({shown} times as many)"


def in_all(incident: Incident) -> str:
    """The totals of an incident that is over."""
    worst = f"at worst {number(incident.peak)} in {incident.window_minutes} min"
    return f"{denials(incident.total)} {since(incident)}, {worst}"


def statuses(incident: Incident) -> Phrase:
    """ " with `403` and `429`", or nothing."""
    found = tops(incident.evidence, "statuses")
    if not found:
        return phrase("")
    return phrase(" with ", joined([phrase(quoted(status, 3)) for status, _ in found[:2]], last=" and "))


def denied_share(incident: Incident) -> float | None:
    """The part of its requests that is denied, where requests are counted."""
    requests = figure(incident.evidence, "requests")
    return incident.observed / requests if requests and 0 < incident.observed <= requests else None
