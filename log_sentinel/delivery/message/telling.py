"""How each kind of matter is told: what it is called, the clause a phone shows, the sentences below it, and its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from log_sentinel.delivery.message import notices
from log_sentinel.delivery.message.evidence import distinct, figure, tops
from log_sentinel.delivery.message.matters import Matter
from log_sentinel.delivery.message.past import before, first_seen
from log_sentinel.delivery.message.phrases import (
    denials,
    denied_share,
    since,
    statuses,
    times_usual,
    usual,
    who,
    window,
)
from log_sentinel.delivery.message.text import Phrase, counted, joined, number, phrase, quoted
from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_sentinel.model.incident import Incident

# What is not denied itself, but what others are denied at.
THINGS = {Dimension.ROUTE: "to ", Dimension.SOURCE: "in ", Dimension.ALL: "of "}
CONCERNED = (
    (Dimension.CLIENT, "clients", "client", "clients"),
    (Dimension.IP, "ips", "address", "addresses"),
    (Dimension.ROUTE, "routes", "route", "routes"),
)


@dataclass(frozen=True, slots=True)
class Telling:
    """`name`: the same all its life (a mail's subject that changes breaks the conversation apart). `brief`: who and how
    many, as a clause. `whole`: sentences for somebody who never saw log-sentinel. `over`: what is so when it has ended
    by itself, as a clause. Clauses begin with a capital letter when given True.
    """

    name: Callable[[Incident], Phrase]
    brief: Callable[[Incident, bool], Phrase]
    whole: Callable[[Incident], Phrase]
    over: Callable[[Incident, bool], Phrase]


def concerned(incident: Incident) -> Phrase:
    """Whom else it concerns: the sentence that tells one customer from everybody."""
    parts = []
    for dimension, name, noun, plural in CONCERNED:
        listed, many = tops(incident.evidence, name), distinct(incident.evidence, name)
        if incident.dimension is dimension or many == 0:
            continue
        one = many == 1 and bool(listed)
        parts.append(phrase(f"one {noun}, ", quoted(listed[0][0])) if one else phrase(counted(many, noun, plural)))
    return phrase(" It concerns ", joined(parts, last=" and "), ".") if parts else phrase("")


def _denied(incident: Incident, verb: str, *, capital: bool) -> Phrase:
    """ "client `acme` denied 412 times", "412 requests to route `/x` denied"; `verb`: was."""
    if incident.dimension in THINGS:
        of = phrase(f"{counted(incident.observed, 'request')} {THINGS[incident.dimension]}", who(incident))
        return phrase(of, f" {verb.replace('was', 'were')}".rstrip(), " denied")
    return phrase(who(incident, capital=capital), f" {verb}".rstrip(), f" denied {_times(incident)}")


def _times(incident: Incident) -> str:
    return counted(incident.observed, "time")


def _minutes(incident: Incident) -> str:
    return f" in {incident.window_minutes} min"


def _routes(incident: Incident) -> str:
    many = distinct(incident.evidence, "routes")
    return counted(many, "route") if many else "many routes"


def _spike_brief(incident: Incident, capital: bool) -> Phrase:
    return phrase(
        _denied(incident, "", capital=capital), statuses(incident), _minutes(incident), f", {usual(incident)}"
    )


def _spike_whole(incident: Incident) -> Phrase:
    figures = f" {window(incident)}, {usual(incident)}{times_usual(incident)}, {since(incident)}."
    return phrase(_denied(incident, "was", capital=True), figures, before(incident), concerned(incident))


def _spike_over(incident: Incident, capital: bool) -> Phrase:
    verb = "are" if incident.dimension is Dimension.ALL else "is"
    return phrase(who(incident, capital=capital), f" {verb} back to normal")


def _scanner_brief(incident: Incident, capital: bool) -> Phrase:
    tries = phrase(who(incident, capital=capital), f" tries {_routes(incident)}, denied {_times(incident)}")
    return phrase(tries, statuses(incident), _minutes(incident))


def _scanner_whole(incident: Incident) -> Phrase:
    tried = f" tried {_routes(incident)} and was denied {_times(incident)} {window(incident)}, {since(incident)}."
    return phrase(who(incident, capital=True), tried, " It looks for what is there to be found.", before(incident))


def _newcomer_brief(incident: Incident, capital: bool) -> Phrase:
    subject = phrase("New " if capital else "new ", who(incident))
    return phrase(subject, f" cannot get in, denied {_times(incident)}", statuses(incident), _minutes(incident))


def _newcomer_whole(incident: Incident) -> Phrase:
    figures = f" was denied {_times(incident)} {window(incident)}, {since(incident)}."
    never = (
        " No request of it has ever succeeded: most likely its access is not set up, or it has another's name or key."
    )
    return phrase(who(incident, capital=True), figures, first_seen(incident), never, concerned(incident))


def _quota_brief(incident: Incident, capital: bool) -> Phrase:
    times = f" is pinned at its rate limit, over it {_times(incident)}"
    return phrase(who(incident, capital=capital), times, _minutes(incident), f", {usual(incident)}")


def _quota_whole(incident: Incident) -> Phrase:
    figures = f" was over its rate limit {_times(incident)} {window(incident)}, {usual(incident)}, {since(incident)}."
    fit = " That is no burst: its limit does not fit what it does."
    return phrase(who(incident, capital=True), figures, fit, concerned(incident))


def _broken_brief(incident: Incident, capital: bool) -> Phrase:
    share = denied_share(incident)
    what = "nearly everybody" if share is None else f"{share:.0%} of its requests"
    figures = f": {denials(incident.observed)}"
    return phrase(who(incident, capital=capital), f" denies {what}{figures}", statuses(incident), _minutes(incident))


def _broken_whole(incident: Incident) -> Phrase:
    share, requests = denied_share(incident), figure(incident.evidence, "requests")
    known = share is not None and requests is not None
    what = f"{share:.0%} of its {number(requests or 0)} requests" if known else counted(incident.observed, "request")
    figures = f" denied {what} {window(incident)}, {usual(incident)}, {since(incident)}."
    clients, addresses = (distinct(incident.evidence, kind) for kind in ("clients", "ips"))
    askers = counted(clients, "client") if clients > 1 else counted(addresses, "address", "addresses")
    many = f" {askers} at once are seldom all wrong." if max(clients, addresses) > 1 else ""
    likely = " Most likely a change to the route or to the gateway broke it."
    return phrase(who(incident, capital=True), figures, many, likely, before(incident))


def _distributed_brief(incident: Incident, capital: bool) -> Phrase:
    where = phrase(_addresses(incident), ", each a little, denied on ", who(incident))
    return phrase(where, f", {_times(incident)}", statuses(incident), _minutes(incident), f", {usual(incident)}")


def _distributed_whole(incident: Incident) -> Phrase:
    figures = f", {_times(incident)} {window(incident)}, {usual(incident)}{times_usual(incident)}, {since(incident)}."
    top = tops(incident.evidence, "ips")
    busiest = f" The busiest of them makes {_part(top[0][1], incident.observed)}" if top and incident.observed else ""
    unseen = f"{busiest}: no limit for a single address sees this." if busiest else ""
    return phrase(_addresses(incident), " were denied on ", who(incident), figures, unseen, before(incident))


def _part(n: int, whole: int) -> str:
    return f"{n / whole:.0%}" if n * 100 >= whole else "less than 1%"


def _addresses(incident: Incident) -> str:
    many = distinct(incident.evidence, "ips")
    return counted(many, "address", "addresses") if many else "Many addresses"


def _silence_brief(incident: Incident, capital: bool) -> Phrase:
    few = "no denial" if incident.observed == 0 else f"only {denials(incident.observed)}"
    return phrase(
        few.capitalize() if capital else few, " of ", who(incident), _minutes(incident), f", {usual(incident)}"
    )


def _silence_whole(incident: Incident) -> Phrase:
    few = "No request" if incident.observed == 0 else f"Only {counted(incident.observed, 'request')}"
    place = phrase(f" {THINGS.get(incident.dimension, 'of ')}", who(incident))
    verb = "was" if incident.observed < 2 else "were"
    figures = f" {verb} denied {window(incident)}, {usual(incident)}, {since(incident)}."
    return phrase(few, place, figures, " A limit, a filter or a check may be off: who should be kept out may be in.")


def _silence_over(incident: Incident, capital: bool) -> Phrase:
    return phrase("Denials of " if capital else "denials of ", who(incident), " are back")


def _log_brief(incident: Incident, capital: bool) -> Phrase:
    what = "nothing" if incident.observed == 0 else f"only {counted(incident.observed, 'request')}"
    figures = f" has logged {what}{_minutes(incident)}, {usual(incident)} requests"
    return phrase(who(incident, capital=capital), figures)


def _log_whole(incident: Incident) -> Phrase:
    what = "nothing" if incident.observed == 0 else f"only {counted(incident.observed, 'request')}"
    figures = f" logged {what} {window(incident)}, {usual(incident)} requests, {since(incident)}."
    blind = " Either no request reaches it, or its log is not written or not read; until it is, nobody watches it."
    return phrase(who(incident, capital=True), figures, blind)


def _over(words: str) -> Callable[[Incident, bool], Phrase]:
    return lambda incident, capital: phrase(who(incident, capital=capital), words)


def _named(name: str) -> Callable[[Incident], Phrase]:
    return lambda incident: phrase(name, who(incident))


TELLINGS = {
    Matter.SPIKE: Telling(_named("Denial spike: "), _spike_brief, _spike_whole, _spike_over),
    Matter.SCANNER: Telling(_named("Scanner: "), _scanner_brief, _scanner_whole, _over(" has stopped")),
    Matter.NEWCOMER: Telling(
        _named("New client cannot get in: "), _newcomer_brief, _newcomer_whole, _over(" is denied no more")
    ),
    Matter.QUOTA: Telling(
        _named("At its rate limit: "), _quota_brief, _quota_whole, _over(" is below its limit again")
    ),
    Matter.BROKEN_ROUTE: Telling(
        _named("Denies everybody: "), _broken_brief, _broken_whole, _over(" lets people in again")
    ),
    Matter.DISTRIBUTED: Telling(
        _named("Distributed attack: "), _distributed_brief, _distributed_whole, _over(" is attacked no more")
    ),
    Matter.SILENCE: Telling(_named("Denials have stopped: "), _silence_brief, _silence_whole, _silence_over),
    Matter.LOG_SILENT: Telling(_named("Log silent: "), _log_brief, _log_whole, _over(" logs again")),
    Matter.NOTICE: Telling(notices.name, notices.brief, notices.whole, notices.over),
}
