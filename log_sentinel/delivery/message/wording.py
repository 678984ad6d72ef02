"""The sentences of a message: its name, the line for a phone, the summary, and what just happened to it.

What is particular to a kind of matter is in `telling`; here is what all of them have in common.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from log_sentinel.delivery.message.causes import NAMES, cause_of
from log_sentinel.delivery.message.matters import NOTHING_DENIED, QUIET, Matter, matter_of
from log_sentinel.delivery.message.phrases import clock, denials, duration, in_all, lasted, since, usual, who
from log_sentinel.delivery.message.telling import TELLINGS
from log_sentinel.delivery.message.text import Phrase, counted, number, phrase, quoted
from log_sentinel.model.finding import Cause
from log_sentinel.model.incident import Happening, HappeningKind, Incident
from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from datetime import timedelta

# Who made a happening when no person did: spikes, and what log-sentinel tells of itself.
NOBODY = frozenset({"detection", "log-sentinel"})
LEADS = {
    HappeningKind.GREW: "Growing: ",
    HappeningKind.ESCALATED: "Worse: ",
    HappeningKind.REOPENED: "Back: ",
    HappeningKind.ACKNOWLEDGED: "Acknowledged: ",
}
# These say the cause in their first words.
NAME_THE_CAUSE = NOTHING_DENIED | {Matter.QUOTA}


def title(incident: Incident) -> Phrase:
    """What it is called all its life."""
    return TELLINGS[matter_of(incident)].name(incident)


def headline(happening: Happening) -> Phrase:
    """The whole of it in one line: what a phone shows at night."""
    incident, matter = happening.incident, matter_of(happening.incident)
    tail = phrase(_probably(incident), f" (#{incident.id})")
    if happening.kind is HappeningKind.RESOLVED:
        figures = f" after {lasted(incident)}" + ("" if matter in NOTHING_DENIED else f", {denials(incident.total)}")
        what = TELLINGS[matter].over(incident, False) if happening.who in NOBODY else title(incident)
        return phrase("Resolved", _by(happening), ": ", what, figures, tail)
    lead = _lead(happening)
    return phrase(lead, TELLINGS[matter].brief(incident, not lead), tail)


def summary(happening: Happening) -> Phrase:
    """One to three sentences that somebody who never saw log-sentinel understands."""
    incident = happening.incident
    if happening.kind is HappeningKind.RESOLVED:
        return phrase(_over(happening), f" after {lasted(incident)}", _figures_of_all(incident), ".")
    return phrase(TELLINGS[matter_of(incident)].whole(incident), _began_as(incident))


def unheard(patience: timedelta | None) -> str:
    """Why somebody is told who is not told usually."""
    return "" if patience is None else f"Nobody has acknowledged it for {duration(patience)}. "


def happened(happening: Happening) -> Phrase:
    """This one step, for the thread below the alert."""
    incident, by = happening.incident, quoted(happening.who, 60)
    noun = "request" if matter_of(incident) is Matter.LOG_SILENT else "denial"
    now = f"{counted(incident.observed, noun)} in {incident.window_minutes} min, {usual(incident)}"
    match happening.kind:
        case HappeningKind.OPENED if matter_of(incident) is Matter.NOTICE:
            return summary(happening)
        case HappeningKind.OPENED:
            return phrase(f"Opened: {now}.")
        case HappeningKind.GREW:
            began = clock(incident.since, beside=happening.at)
            return phrase(_lead(happening), now, f"; {number(incident.total)} since {began}.")
        case HappeningKind.ESCALATED:
            return phrase(f"Now {incident.severity.value}: {now}.")
        case HappeningKind.ACKNOWLEDGED:
            return phrase("Acknowledged by ", by, ".")
        case HappeningKind.REOPENED:
            return phrase(f"Back again: {now}.")
        case HappeningKind.RESOLVED:
            return phrase("Resolved", _by(happening), f" after {lasted(incident)}", _figures_of_all(incident), ".")


def _lead(happening: Happening) -> str:
    still = happening.kind is HappeningKind.GREW and matter_of(happening.incident) in QUIET
    return "Still: " if still else LEADS.get(happening.kind, "")


def _over(happening: Happening) -> Phrase:
    """What is so now: by itself it is back to normal; somebody who ends it may do so while it goes on."""
    incident = happening.incident
    if happening.who in NOBODY:
        return TELLINGS[matter_of(incident)].over(incident, True)
    return phrase(title(incident), " was ended", _by(happening))


def _began_as(incident: Incident) -> Phrase:
    """Under which name people may know it: it was found to be a part of something larger."""
    was = incident.evidence.get("was")
    if not isinstance(was, dict) or was.get("dimension") not in set(Dimension) - {Dimension.SELF}:
        return phrase("")
    return phrase(
        " It began as ", who(replace(incident, dimension=Dimension(was["dimension"]), key=str(was.get("key")))), "."
    )


def _by(happening: Happening) -> Phrase:
    """Who ended it, and why they say they did."""
    if happening.who in NOBODY:
        return phrase("")
    reason = happening.incident.evidence.get("resolved_as")
    why = phrase(" (", quoted(reason, 80), ")") if reason else phrase("")
    return phrase(" by ", quoted(happening.who, 60), why)


def _figures_of_all(incident: Incident) -> str:
    return f", {since(incident)}" if matter_of(incident) in NOTHING_DENIED else f": {in_all(incident)}"


def _probably(incident: Incident) -> str:
    if matter_of(incident) in NAME_THE_CAUSE:
        return ""
    cause = cause_of(incident)
    return "" if cause is Cause.UNKNOWN else f". Probably {NAMES[cause]}"
