"""The sentences: who is denied what, where, since when, how many against how many usual; and what just happened to
it.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from log_sentinel.delivery.message.causes import NAMES, cause_of
from log_sentinel.delivery.message.evidence import distinct, tops
from log_sentinel.delivery.message.text import Phrase, counted, joined, number, phrase, quoted
from log_sentinel.model.finding import Cause
from log_sentinel.model.incident import Happening, HappeningKind, Incident, IncidentState
from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from datetime import datetime, timedelta

WHO = {
    Dimension.CLIENT: "client ",
    Dimension.IP: "address ",
    Dimension.NETWORK: "network ",
    Dimension.ROUTE: "route ",
    Dimension.ROUTE_CLIENT: "route and client ",
    Dimension.SOURCE: "log source ",
}
# What is not denied itself, but what others are denied at.
THINGS = {Dimension.ROUTE: "to ", Dimension.SOURCE: "in ", Dimension.ALL: "of "}
LEADS = {
    HappeningKind.GREW: "Growing: ",
    HappeningKind.ESCALATED: "Worse: ",
    HappeningKind.REOPENED: "Back: ",
    HappeningKind.ACKNOWLEDGED: "Acknowledged: ",
}
# Who made a happening when no person did.
DETECTION = "detection"
# Beyond this many times the usual the exact factor says nothing more.
FACTOR_SHOWN = 1000


def who(incident: Incident, *, capital: bool = False) -> Phrase:
    """What the incident is about: "client `acme`", "all clients"."""
    if incident.dimension is Dimension.ALL:
        return phrase("All clients" if capital else "all clients")
    noun = WHO[incident.dimension]
    return phrase(noun.capitalize() if capital else noun, quoted(incident.key))


def denied(incident: Incident, *, verb: str = "", capital: bool = False) -> Phrase:
    """Who was denied how often: "client `acme` denied 412 times", "412 requests to route `/x` denied"; `verb`: was."""
    if incident.dimension in THINGS:
        of = phrase(f"{counted(incident.observed, 'request')} {THINGS[incident.dimension]}", who(incident))
        return phrase(of, f" {verb.replace('was', 'were')}".rstrip(), " denied")
    subject = who(incident, capital=capital)
    return phrase(subject, f" {verb}".rstrip(), f" denied {counted(incident.observed, 'time')}")


def title(incident: Incident) -> Phrase:
    """What it is called all its life: a mail's subject that changes breaks the conversation apart."""
    return phrase("Denial spike: ", who(incident))


def headline(happening: Happening) -> Phrase:
    """The whole of it in one line: what a phone shows at night."""
    incident = happening.incident
    tail = phrase(_probably(incident), f" (#{incident.id})")
    if happening.kind is HappeningKind.RESOLVED:
        return phrase("Resolved: ", who(incident), f" after {_lasted(incident)}, {_denials(incident.total)}", tail)
    lead = LEADS.get(happening.kind, "")
    what = phrase(denied(incident, capital=not lead), _statuses_short(incident))
    return phrase(lead, what, f" in {incident.window_minutes} min, {_usual(incident)}", tail)


def summary(incident: Incident) -> Phrase:
    """One or two sentences that somebody who never saw log-sentinel understands."""
    whose = who(incident, capital=True)
    since = clock(incident.since, beside=incident.last_seen_at)
    if incident.state is IncidentState.RESOLVED:
        back = "are back" if incident.dimension is Dimension.ALL else "is back"
        figures = f"{_denials(incident.total)} since {since}, {_at_worst(incident)}"
        return phrase(whose, f" {back} to normal after {_lasted(incident)}: {figures}.")
    window = f" in the last {counted(incident.window_minutes, 'minute')}"
    usual = f"{_usual(incident)}{_factor(incident)}"
    return phrase(denied(incident, verb="was", capital=True), f"{window}, {usual}, since {since}.", _spread(incident))


def happened(happening: Happening) -> Phrase:
    """This one step, for the thread below the alert."""
    incident, by = happening.incident, quoted(happening.who, 60)
    now = f"{_denials(incident.observed)} in {incident.window_minutes} min, {_usual(incident)}"
    match happening.kind:
        case HappeningKind.OPENED:
            return phrase(f"Opened: {now}.")
        case HappeningKind.GREW:
            return phrase(
                f"Growing: {now}; {number(incident.total)} since {clock(incident.since, beside=happening.at)}."
            )
        case HappeningKind.ESCALATED:
            return phrase(f"Now {incident.severity.value}: {now}.")
        case HappeningKind.ACKNOWLEDGED:
            return phrase("Acknowledged by ", by, ".")
        case HappeningKind.REOPENED:
            return phrase(f"Back again: {now}.")
        case HappeningKind.RESOLVED:
            ended = phrase(" by ", by) if happening.who != DETECTION else phrase("")
            figures = f"{_denials(incident.total)}, {_at_worst(incident)}"
            return phrase("Resolved", ended, f" after {_lasted(incident)}: {figures}.")


def clock(moment: datetime, *, beside: datetime) -> str:
    """A moment in UTC, told by somebody for whom it is `beside`: on the same day the time is enough."""
    there, here = moment.astimezone(UTC), beside.astimezone(UTC)
    return there.strftime("%H:%M UTC" if there.date() == here.date() else "%Y-%m-%d %H:%M UTC")


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


def _lasted(incident: Incident) -> str:
    return duration((incident.resolved_at or incident.last_seen_at) - incident.since)


def _denials(n: int) -> str:
    return counted(n, "denial")


def _at_worst(incident: Incident) -> str:
    return f"at worst {number(incident.peak)} in {incident.window_minutes} min"


def _usual(incident: Incident) -> str:
    if incident.expected is None:
        return "no usual level known yet"
    if incident.expected < 0.5:
        return "usually none"
    return f"usually {number(incident.expected)}"


def _factor(incident: Incident) -> str:
    if incident.expected is None or incident.expected < 0.5:
        return ""
    factor = incident.observed / incident.expected
    return (
        f" (over {number(FACTOR_SHOWN)} times as many)"
        if factor > FACTOR_SHOWN
        else f" ({number(factor)} times as many)"
    )


def _statuses_short(incident: Incident) -> Phrase:
    statuses = tops(incident.evidence, "statuses")
    if not statuses:
        return phrase("")
    return phrase(" with ", joined([phrase(quoted(status, 3)) for status, _ in statuses[:2]], last=" and "))


def _probably(incident: Incident) -> str:
    cause = cause_of(incident)
    return "" if cause is Cause.UNKNOWN else f". Probably {NAMES[cause]}"


def _spread(incident: Incident) -> Phrase:
    """Whom else it concerns: the sentence that tells one customer from everybody."""
    parts = []
    for dimension, name, noun, plural in (
        (Dimension.CLIENT, "clients", "client", "clients"),
        (Dimension.IP, "ips", "address", "addresses"),
        (Dimension.ROUTE, "routes", "route", "routes"),
    ):
        listed = tops(incident.evidence, name)
        many = distinct(incident.evidence, name)
        if incident.dimension is dimension or many == 0:
            continue
        only = (
            phrase(f"one {noun}, ", quoted(listed[0][0]))
            if many == 1 and listed
            else phrase(counted(many, noun, plural))
        )
        parts.append(only)
    if not parts:
        return phrase("")
    return phrase(" It concerns ", joined(parts, last=" and "), ".")
