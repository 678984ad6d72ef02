"""The probable cause in words: why the requests are denied, by whom, how sure that is, and what says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.delivery.message.evidence import tops
from log_sentinel.delivery.message.message import Verdict
from log_sentinel.delivery.message.text import Phrase, joined, phrase, quoted
from log_sentinel.model.finding import Cause, DeniedBy

if TYPE_CHECKING:
    from log_sentinel.model.incident import Incident

NAMES = {
    Cause.RATE_LIMIT: "rate limiting",
    Cause.IP_RESTRICTION: "an IP restriction",
    Cause.INSUFFICIENT_PERMISSIONS: "insufficient permissions",
    Cause.AUTHENTICATION: "failed authentication",
    Cause.RESOURCE_POLICY: "a policy on the resource",
    Cause.GATEWAY_MISCONFIGURATION: "a gateway misconfiguration",
    Cause.UNKNOWN: "unknown",
}
DENIERS = {
    DeniedBy.GATEWAY: "denied by the gateway itself",
    DeniedBy.UPSTREAM: "denied by the service behind the gateway",
    DeniedBy.AUTH_SERVICE: "denied by the auth service",
}
EVIDENCE_SHOWN = 4
ALTERNATIVES_SHOWN = 2
# Below this a cause is a guess, and is called one.
SURE_ENOUGH = 0.5


def cause_of(incident: Incident) -> Cause:
    """The cause the finding names; without one, the one that most of the denials carry; else unknown."""
    named = incident.finding.get("cause")
    if named is None:
        causes = tops(incident.evidence, "causes")
        named = causes[0][0] if causes else None
    return Cause(str(named)) if named in set(Cause) else Cause.UNKNOWN


def verdict_of(incident: Incident) -> Verdict:
    """Why the requests are denied, by whom, how sure that is, and what says so."""
    cause = cause_of(incident)
    confidence = _share(incident.finding.get("confidence"))
    denied_by = incident.finding.get("denied_by")
    who = DENIERS.get(DeniedBy(str(denied_by))) if denied_by in set(DeniedBy) else None
    title = NAMES[cause]
    if cause is Cause.UNKNOWN:
        title = "unknown: the log does not say why"
    elif confidence is not None:
        title = (
            f"{title}, {confidence:.0%} sure" if confidence >= SURE_ENOUGH else f"perhaps {title} ({confidence:.0%})"
        )
    return Verdict(
        cause=cause.value,
        title=phrase(title, f"; {who}" if who else ""),
        alternatives=_alternatives(incident, cause),
        evidence=_evidence(incident),
    )


def _alternatives(incident: Incident, cause: Cause) -> Phrase:
    found = incident.finding.get("alternatives")
    named = []
    for one in found if isinstance(found, list | tuple) else ():
        if isinstance(one, list | tuple) and len(one) == 2 and one[0] in set(Cause) and one[0] != cause:
            share = _share(one[1])
            named.append(phrase(NAMES[Cause(one[0])], f" {share:.0%}" if share is not None else ""))
    return joined(named[:ALTERNATIVES_SHOWN])


def _evidence(incident: Incident) -> tuple[Phrase, ...]:
    found = incident.finding.get("evidence")
    lines = []
    for one in found if isinstance(found, list | tuple) else ():
        if not isinstance(one, dict) or not one.get("says"):
            continue
        # `says` may carry a value of the line in it
        says = phrase(str(quoted(one["says"], 200)))
        field, value = one.get("field"), one.get("value")
        lines.append(phrase(says, " (", quoted(field, 40), " ", quoted(value, 60), ")") if field and value else says)
    return tuple(lines[:EVIDENCE_SHOWN])


def _share(value: object) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return float(value) if known and isinstance(value, int | float) else None
