"""The states of an incident and what leads from one to another. A silence mutes messages and is no state."""

from __future__ import annotations

from log_sentinel.model.incident import HappeningKind, IncidentState

OPEN, ACKNOWLEDGED, RESOLVED = IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.RESOLVED

# None: there is no incident yet. What was acknowledged was the smaller matter, so that an escalation asks again.
EDGES: dict[IncidentState | None, dict[HappeningKind, IncidentState]] = {
    None: {HappeningKind.OPENED: OPEN},
    OPEN: {
        HappeningKind.GREW: OPEN,
        HappeningKind.ESCALATED: OPEN,
        HappeningKind.ACKNOWLEDGED: ACKNOWLEDGED,
        HappeningKind.RESOLVED: RESOLVED,
    },
    ACKNOWLEDGED: {
        HappeningKind.GREW: ACKNOWLEDGED,
        HappeningKind.ESCALATED: OPEN,
        HappeningKind.RESOLVED: RESOLVED,
    },
    RESOLVED: {HappeningKind.REOPENED: OPEN},
}


class NoSuchStep(Exception):
    """`kind` cannot happen to an incident in `state`."""

    def __init__(self, state: IncidentState | None, kind: HappeningKind) -> None:
        self.state, self.kind = state, kind
        possible = ", ".join(EDGES[state])
        super().__init__(f"incident: {state or 'none'} cannot be {kind}; it can be {possible}.")


def after(state: IncidentState | None, kind: HappeningKind) -> IncidentState:
    """The state of an incident in `state` once `kind` has happened to it. Raises NoSuchStep."""
    try:
        return EDGES[state][kind]
    except KeyError:
        raise NoSuchStep(state, kind) from None
