"""The probable cause in words, and what to do next for it: permissions, logs, IP filters, gateway configuration, rate
limits, in the order that fits the cause.
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING

from log_sentinel.delivery.message.evidence import tops
from log_sentinel.delivery.message.message import Step, Verdict
from log_sentinel.delivery.message.text import Phrase, Quoted, joined, phrase, quoted
from log_sentinel.model.finding import Cause, DeniedBy
from log_sentinel.model.spike import Dimension

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
COMMAND_CHARACTERS = 400
COLUMNS = {
    Dimension.CLIENT: "client",
    Dimension.IP: "ip",
    Dimension.NETWORK: "network",
    Dimension.ROUTE: "route",
    Dimension.SOURCE: "source",
}
# What means nothing to a shell within double quotes, nor to SQL within single ones.
SAFE_KEY = re.compile(r"[A-Za-z0-9._~:/{}@+-]{1,100}", re.ASCII)
# A name that may stand in a command line as it is.
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


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


def steps_for(incident: Incident) -> tuple[Step, ...]:
    """What to do next, most useful first; the last step is always the incident's own page."""
    cause = cause_of(incident)
    steps = list(STEPS[cause])
    if cause is Cause.INSUFFICIENT_PERMISSIONS and incident.dimension is Dimension.CLIENT:
        steps[0] = _groups_of(incident.key) or steps[0]
    if cause is Cause.IP_RESTRICTION:
        steps[0] = _judged_address(incident) or steps[0]
    show = quoted(f"log-sentinel incidents show {incident.id}")
    look = Step(phrase("See every figure, and acknowledge or silence it."), show)
    query = _query(incident)
    return (*steps, Step(phrase("Read the denied requests."), query), look) if query else (*steps, look)


def _step(words: str, command: str | None = None) -> Step:
    return Step(phrase(words), quoted(command) if command else None)


STEPS: dict[Cause, tuple[Step, ...]] = {
    Cause.RATE_LIMIT: (
        _step(
            "Look at which limit is hit, and by how many clients: one hot client needs a word, all of them a "
            "higher limit."
        ),
        _step("In nginx see limit_req_zone and its burst; in Kong the rate-limiting plugin of the route or consumer."),
    ),
    Cause.IP_RESTRICTION: (
        _step(
            "Compare the address the gateway judged with its allow and deny lists (nginx allow/deny, Kong "
            "ip-restriction)."
        ),
        _step(
            "Is it the address of a proxy or load balancer? Then the gateway needs to trust it "
            "(set_real_ip_from, trusted_ips)."
        ),
    ),
    Cause.INSUFFICIENT_PERMISSIONS: (
        _step("Compare the groups or scopes of the client with what the route asks for."),
        _step("Look at what changed when it began: a rotated key, a role, an ACL. Who else has the same role?"),
    ),
    Cause.AUTHENTICATION: (
        _step(
            "Check whether the credential has expired, was rotated or is sent in another header than the "
            "gateway reads."
        ),
        _step("Many different credentials from few addresses is guessing: block these at the edge."),
    ),
    Cause.RESOURCE_POLICY: (
        _step("Find the rule that matched (WAF or policy: its id, the path, method or user agent it looks for)."),
        _step("A scanner? Then it works as meant. Customers? Narrow the rule."),
    ),
    Cause.GATEWAY_MISCONFIGURATION: (
        _step(
            "Compare the gateway's configuration with that before it began, and roll back the last change to "
            "this route."
        ),
        _step("Check path, prefix and method of the route: a request that matches no route may be answered with 403."),
    ),
    Cause.UNKNOWN: (
        _step("Read the denied requests below: the same client, address or route?"),
        _step(
            "Was it the gateway or the service? Add $upstream_status and $limit_req_status to the log_format, "
            "and the next one is told."
        ),
    ),
}  # fmt: skip


def _query(incident: Incident) -> Quoted | None:
    """The command that lists the incident's denials; None where its key could mean something to a shell or to SQL."""
    column = COLUMNS.get(incident.dimension)
    if column is None or not SAFE_KEY.fullmatch(incident.key):
        return None
    since = incident.since.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    query = (
        f"select time, status, path, ip, cause from denials where {column} = '{incident.key}'"  # noqa: S608 - see SAFE_KEY
        f" and time >= '{since}' order by time desc limit 50"
    )
    return quoted(f'log-sentinel sql "{query}"', COMMAND_CHARACTERS)


def _groups_of(client: str) -> Step | None:
    if not PLAIN_NAME.fullmatch(client):
        return None
    words = phrase("Compare the client's groups with what the route asks for; in Kong:")
    return Step(words, quoted(f"curl -s $KONG_ADMIN/consumers/{client}/acls"))


def _judged_address(incident: Incident) -> Step | None:
    addresses = [key for key, _ in tops(incident.evidence, "ips")]
    address = incident.key if incident.dimension is Dimension.IP else addresses[0] if addresses else None
    if address is None:
        return None
    lists = ": compare it with its allow and deny lists (nginx allow/deny, Kong ip-restriction)."
    return Step(phrase("The gateway judged ", quoted(address), lists))


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
