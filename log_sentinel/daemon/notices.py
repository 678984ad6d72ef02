"""What the daemon tells of itself over the channels: the findings of `doctor` that somebody should act on.

A finding is told once, when two looks in a row have had it, and told as over when two looks have not. It is kept as an
incident of the dimension `self`: a restart does not tell it again, routes choose who hears of it, people acknowledge
and silence it. Of several daemons on one database each looks after its own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from log_sentinel.model.incident import Happening, HappeningKind, Incident, IncidentState
from log_sentinel.model.spike import Dimension, Severity
from log_sentinel.store import incidents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from log_sentinel.daemon.findings.finding import Finding
    from log_sentinel.store.engine import Database

# Looks in a row that must agree: what comes and goes between two looks is told to nobody.
LOOKS = 2
WHO = "log-sentinel"

# The rule and the key of an incident.
Key = tuple[str, str]


def notice(rule: str, what: str, instance: str, evidence: Mapping[str, object], now: datetime) -> Incident:
    """The incident that a notice is kept as. `what`: who it is about; `evidence`: what it says."""
    return Incident(
        rule=rule,
        dimension=Dimension.SELF,
        key=f"{instance}: {what}",
        severity=Severity.NOTICE,
        state=IncidentState.OPEN,
        since=now,
        opened_at=now,
        last_seen_at=now,
        observed=0,
        expected=None,
        window_minutes=0,
        peak=0,
        total=0,
        labels={"instance": instance},
        evidence={"what": what, **evidence},
    )


class Notices:
    """`look` gives the findings as of a time (UTC). Call it every few minutes."""

    def __init__(self, database: Database, instance: str, look: Callable[[datetime], Iterable[Finding]]) -> None:
        self._database = database
        self._instance = instance
        self._look = look
        # looks in a row that had what is not told yet, or had not what is told
        self._agreed: Counter[Key] = Counter()

    def __call__(self, now: datetime) -> list[Happening]:
        """Looks, and gives what there is to tell. Raises StoreError."""
        found = {(one.rule, one.key): one for one in reversed(list(self._found(now)))}
        with self._database.write() as connection:
            known = [one for one in incidents.known_of_self(connection) if one.labels.get("instance") == self._instance]
            due = self._due({(one.rule, one.key) for one in known} ^ found.keys())
            after = [self._seen(one, found.get((one.rule, one.key)), due, now) for one in known]
            opened = [found[key] for key in sorted(due & found.keys())]
            over = [one for one in after if one.state is IncidentState.RESOLVED]
            happenings = [Happening(HappeningKind.RESOLVED, now, one, WHO) for one in over]
            happenings += [Happening(HappeningKind.OPENED, now, one, WHO) for one in opened]
            incidents.record(connection, known, [*after, *opened], happenings, now)
        return happenings

    def _found(self, now: datetime) -> Iterator[Incident]:
        for finding in self._look(now):
            if finding.notice is not None:
                evidence = {"says": finding.says, "todo": finding.todo}
                yield notice(finding.notice, finding.what, self._instance, evidence, now)

    def _due(self, changed: set[Key]) -> set[Key]:
        """Which of the changes so many looks agree on that they are told."""
        agreed = Counter({key: self._agreed[key] + 1 for key in changed})
        due = {key for key in changed if agreed[key] >= LOOKS}
        # what is told now has to agree anew to be over
        self._agreed = Counter({key: looks for key, looks in agreed.items() if key not in due})
        return due

    @staticmethod
    def _seen(told: Incident, found: Incident | None, due: set[Key], now: datetime) -> Incident:
        """What was told, as it stands now: with the latest figures, or over."""
        if found is not None:
            return replace(told, last_seen_at=now, evidence=found.evidence)
        if (told.rule, told.key) in due:
            return replace(told, state=IncidentState.RESOLVED, resolved_at=now)
        return told
