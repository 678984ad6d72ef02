"""That the database was away for a while: told when it is back, for who cannot reach it cannot leave word in it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from log_sentinel.daemon.findings.finding import Finding, Notice, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from log_sentinel.daemon.patience import Outage

# A restart of the database, a lock that somebody holds for a moment: not worth a message.
SHORT_SECONDS = 30.0
TOLD_FOR = timedelta(hours=1)


def findings(outage: Outage | None, now: datetime) -> Iterator[Finding]:
    """`outage`: the last one that is over. What it says stays the same for as long as it is told."""
    if outage is None or outage.seconds < SHORT_SECONDS or now - outage.until > TOLD_FOR:
        return
    yield Finding(
        State.NOTE,
        "database",
        f"it did not answer for {_in_words(outage.seconds)}, until {outage.until:%Y-%m-%d %H:%M:%S} UTC: "
        f"{outage.reason}",
        "Nothing was lost by it: the log files kept the lines, and senders were told to come again. What was deleted "
        "or dropped before it could be read is told by itself.",
        Notice.AWAY,
    )


def _in_words(seconds: float) -> str:
    if seconds < 2 * 60:
        return f"{seconds:.0f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
