"""What to do next: permissions, logs, IP filters, gateway configuration and rate limits, in the order that fits the
cause, each with the command or the settings of the gateway in question.

The commands are content: alerts/templates/steps.toml. A value from a log gets into a command only if it can mean
nothing to a shell or to SQL.
"""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, timedelta
from enum import StrEnum
from functools import cache
from string import Formatter
from typing import TYPE_CHECKING

from log_sentinel.content import shipped
from log_sentinel.delivery.message import notices
from log_sentinel.delivery.message.causes import cause_of
from log_sentinel.delivery.message.evidence import distinct, tops
from log_sentinel.delivery.message.matters import NOTHING_DENIED, Matter, matter_of
from log_sentinel.delivery.message.message import Step
from log_sentinel.delivery.message.phrases import clock
from log_sentinel.delivery.message.text import Phrase, Quoted, phrase, quoted
from log_sentinel.model.finding import Cause
from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_sentinel.model.incident import Incident

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
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", re.ASCII)
ADDRESS = re.compile(r"[0-9a-fA-F:.]{2,45}", re.ASCII)
# A change is looked for from so long before the denials began.
CHANGED_WITHIN = timedelta(hours=1)


class Check(StrEnum):
    """The five places where a denial comes from."""

    PERMISSIONS = "permissions"
    LOGS = "logs"
    IP_FILTERS = "ip_filters"
    CONFIGURATION = "configuration"
    RATE_LIMITS = "rate_limits"


P, L, I, C, R = Check  # noqa: E741 - read as the row of letters below
ORDER: dict[Cause, tuple[Check, ...]] = {
    Cause.RATE_LIMIT: (R, L, C, P, I),
    Cause.IP_RESTRICTION: (I, C, L, P, R),
    Cause.INSUFFICIENT_PERMISSIONS: (P, C, L, I, R),
    Cause.AUTHENTICATION: (P, L, I, C, R),
    Cause.RESOURCE_POLICY: (C, L, P, I, R),
    Cause.GATEWAY_MISCONFIGURATION: (C, L, P, I, R),
    Cause.UNKNOWN: (L, P, I, C, R),
}
WORDS = {
    P: "Permissions: may the client do this? Its groups or scopes against what the route asks for.",
    L: "Logs: the denied requests themselves.",
    I: "IP filters: the address the gateway judged against its allow and deny lists.",
    C: "Gateway configuration: what was changed shortly before {began}?",
    R: "Rate limits: whose limit, how high, how much of it is used?",
}
# What fits the cause better.
FITTING = {
    (Cause.RATE_LIMIT, R): "Rate limits: which one is hit, and by how many? One hot client needs a word, all of them "
    "a higher limit.",
    (
        Cause.IP_RESTRICTION,
        C,
    ): "Gateway configuration: is that the address of a proxy? Then the gateway has to trust it.",
    (Cause.INSUFFICIENT_PERMISSIONS, C): "Gateway configuration: what was changed shortly before {began}: a rotated "
    "key, a role, an ACL? Who else has it?",
    (Cause.AUTHENTICATION, P): "Permissions: has the credential expired, was it rotated, is it sent in another header "
    "than the gateway reads?",
    (Cause.AUTHENTICATION, I): "IP filters: many credentials from few addresses is guessing; block these at the edge.",
    (Cause.RESOURCE_POLICY, C): "Gateway configuration: find the rule that matched (WAF or policy, by its id, path, "
    "method or user agent). Narrow it if it is customers that it hits.",
    (Cause.GATEWAY_MISCONFIGURATION, C): "Gateway configuration: roll back the last change to this route before "
    "{began}.",
    (Cause.GATEWAY_MISCONFIGURATION, P): "Permissions: path, prefix and method of the route. What matches no route may "
    "be answered with 403.",
    (Cause.UNKNOWN, L): "Logs: is it the same client, address or route in all of them?",
    (Cause.UNKNOWN, C): "Gateway configuration: was it the gateway or the service? With $upstream_status and "
    "$limit_req_status in its log format the next one is told.",
}
# Where the kind of matter asks for something else first: one of the five in other words, or a look of its own.
FIRST: dict[Matter, tuple[str, str]] = {
    Matter.SCANNER: (
        "Did anything of it get through? Then block the address at the edge; as long as it is denied it is harmless.",
        "scanner",
    ),
    Matter.DISTRIBUTED: (
        "Find what they share (network, path, user agent), and limit or challenge that at the edge.",
        "distributed",
    ),
    Matter.NEWCOMER: ("Permissions: was its access ever finished? Its key, groups, allowed addresses.", P),
    Matter.QUOTA: (
        "Rate limits: should it call so much? Then raise its limit; if not, tell its owners, who wait in vain.",
        R,
    ),
    Matter.BROKEN_ROUTE: (
        "Gateway configuration: was this route or its gateway deployed shortly before {began}? Roll that back first.",
        C,
    ),
}
# Of what has fallen silent nothing is denied: there are other places to look at.
QUIET_STEPS: dict[Matter, tuple[tuple[str, str | None], ...]] = {
    Matter.SILENCE: (
        ("Send a request that must be denied: without a key, or from an address that is not allowed.", None),
        ("Gateway configuration: was a limit, an allow list or a check taken out shortly before {began}?", C),
    ),
    Matter.LOG_SILENT: (
        ("Does the gateway get requests and write this log? After a rotation it may write to the old file.", "reopen"),
        ("Does log-sentinel read it? It says which file, how far, and what is in the way.", "reading"),
    ),
}


def steps_for(incident: Incident, gateway: str | None = None) -> tuple[Step, ...]:
    """What to do, most useful first; `gateway`: whose log it is, where that is known. The last is always the incident's
    own page.
    """
    matter = matter_of(incident)
    if matter is Matter.NOTICE:
        return notices.steps(incident)
    wanted: list[tuple[str, str | None]] = [*QUIET_STEPS.get(matter, ())]
    if not wanted:
        cause = cause_of(incident)
        wanted = [FIRST[matter]] if matter in FIRST else []
        rest = [check for check in ORDER[cause] if check not in (place for _, place in wanted)]
        wanted += [(FITTING.get((cause, check), WORDS[check]), check) for check in rest]
    wanted.append(("All of it, to acknowledge it or to silence it:", "look"))
    known = _values(incident)
    return tuple(
        Step(_words(text, check, incident), _command(check, gateway, known) if check else None)
        for text, check in wanted
    )


def query(incident: Incident) -> Quoted | None:
    """The command that shows its denied requests; None where nothing is denied."""
    return None if matter_of(incident) in NOTHING_DENIED else _command(Check.LOGS, None, _values(incident))


def _words(text: str, check: str | None, incident: Incident) -> Phrase:
    judged = _judged(incident) if check == Check.IP_FILTERS else None
    if judged is not None and cause_of(incident) is Cause.IP_RESTRICTION:
        return phrase("IP filters: the gateway judged ", quoted(judged), "; is it on its allow and deny lists?")
    return phrase(text.replace("{began}", clock(incident.since, beside=incident.last_seen_at)))


def _command(check: str, gateway: str | None, known: Mapping[str, str]) -> Quoted | None:
    """The first command for it whose every name is known."""
    commands = _commands()
    for command in [*commands.get(gateway or "", {}).get(check, ()), *commands["any"].get(check, ())]:
        if {name for _, name, _, _ in Formatter().parse(command) if name} <= known.keys():
            return quoted(command.format(**known), COMMAND_CHARACTERS)
    return None


@cache
def _commands() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((shipped("alerts") / "templates" / "steps.toml").read_text("utf-8"))


def _values(incident: Incident) -> dict[str, str]:
    """What a command may name: number, changed_since; client, address, column and key only where they are harmless."""
    since = incident.since.astimezone(UTC)
    found = {
        "number": str(incident.id),
        "since": f"{since:%Y-%m-%d %H:%M}",
        "hour": f"{since:%Y-%m-%d %H:00}",
        "changed_since": f"{since - CHANGED_WITHIN:%Y-%m-%d %H:%M} UTC",
    }
    client = incident.key if incident.dimension is Dimension.CLIENT else _only(incident, "clients")
    if client is not None and PLAIN_NAME.fullmatch(client):
        found["client"] = client
    address = _judged(incident)
    if address is not None and ADDRESS.fullmatch(address):
        found["address"] = address
    if incident.dimension in COLUMNS and SAFE_KEY.fullmatch(incident.key):
        found |= {"column": COLUMNS[incident.dimension], "key": incident.key}
    return found


def _judged(incident: Incident) -> str | None:
    """The address that the gateway judged: the incident's own, or that of most of its denials."""
    listed = [key for key, _ in tops(incident.evidence, "ips")]
    return incident.key if incident.dimension is Dimension.IP else listed[0] if listed else None


def _only(incident: Incident, name: str) -> str | None:
    listed = tops(incident.evidence, name)
    return listed[0][0] if listed and distinct(incident.evidence, name) == 1 else None
