"""How each channel's deliveries stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.daemon.findings.finding import Finding, State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from log_sentinel.store.outbox import Standing


def findings(standings: Mapping[str, Standing], channels: Collection[str]) -> Iterator[Finding]:
    """`channels`: those of the settings. That one fails now is the running daemon's to say (`parts`)."""
    for name, standing in standings.items():
        last = (
            f"last delivery {standing.last_sent_at:%Y-%m-%d %H:%M} UTC" if standing.last_sent_at else "none delivered"
        )
        said = f"{standing.sent} delivered, {last}, {standing.waiting} waiting, {standing.undelivered} given up"
        stuck = standing.reason is not None
        yield Finding(
            State.WRONG if stuck else State.FINE,
            f"channel {name}",
            f"{said}: {standing.reason}" if stuck else said,
            f"`log-sentinel channels test {name}` says what is wrong." if stuck else "",
        )
        if name not in channels:
            yield Finding(State.NOTE, f"channel {name}", "the settings have it no more; what waits for it is given up")
