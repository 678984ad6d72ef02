"""The running daemon's own word on its parts, as findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.daemon.findings.finding import Finding, Notice, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STATES = {"ok": State.FINE, "troubled": State.NOTE, "failing": State.WRONG}
# By the first word of a part's name. The database is not among them: see outages.
NOTICES = {"source": Notice.FILE, "channel": Notice.CHANNEL, "job": Notice.JOB}


def findings(parts: Iterable[tuple[str, str, str, str]]) -> Iterator[Finding]:
    """`parts` as /healthz has them: name, state (ok, troubled, failing), what it says, what is to do."""
    for name, state, says, todo in parts:
        found = STATES.get(state, State.NOTE)
        notice = None if found is State.FINE else NOTICES.get(name.partition(" ")[0])
        if notice is Notice.FILE and found is State.WRONG:
            notice = Notice.FORMAT
        yield Finding(found, name, says, todo, notice)
