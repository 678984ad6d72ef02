"""What a minute's spikes do to the incidents: the one place where incidents change by themselves.

- A spike that nothing else explains opens an incident, goes on with its own, or reopens it within GRACE of its end.
- Spikes that are the same denials (`grouping`) belong to the incident of their cause. One that had an incident of its
  own already becomes a child of it; where the cause has none yet, it takes the oldest one over: same incident, better
  name.
- While a general rise ebbs away, what is a small part of it opens nothing.
- What an incident took in stays with it, and opens nothing when the cause fades first, unless it outgrows it.
- More than STORM incidents that one minute would open are one, under the largest; what shows later takes it over. When
  so many were opened within STORM_LASTS, what shows besides is a part of the largest of them.
- An incident resolves after its rule's `keep_firing_for` without a spike.

People are told of a growth when the figure doubles since they were last told, and of a higher severity at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Protocol, cast

from log_sentinel.incidents.belonging import STORM, ebbing_rise, is_part, storm
from log_sentinel.incidents.figures import come_back, opened_by, taken_over, with_figures
from log_sentinel.incidents.grouping import SEVERITIES, Group, groups
from log_sentinel.incidents.states import after
from log_sentinel.model.incident import Happening, HappeningKind, Incident, IncidentState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from log_sentinel.model.spike import Spike

# An incident that comes back so soon is the same one.
GRACE = timedelta(minutes=60)
GREW_TIMES = 2
# A cause takes over what began at most so long before it; what is older is a matter of its own.
TAKEN_OVER_WITHIN = timedelta(minutes=20)
# Spikes remembered as part of an incident.
MOST_PARTS = 400
QUIET_WITHOUT_RULE = timedelta(minutes=10)

Key = tuple[str, str, str]


class Terms(Protocol):
    """What a rule says about its incidents."""

    @property
    def keep_firing_for(self) -> timedelta: ...
    @property
    def labels(self) -> dict[str, str]: ...
    @property
    def runbook(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Stepped:
    """`happenings` in their order. `incidents`: all that are known now, those among them that did not change too."""

    happenings: tuple[Happening, ...]
    incidents: tuple[Incident, ...]


def step(known: Sequence[Incident], spikes: Sequence[Spike], minute: datetime, rules: Mapping[str, Terms]) -> Stepped:
    """What `spikes`, all that fire at the end of `minute`, do to `known`.

    `known`: every incident that is not resolved, and those resolved less than GRACE ago; at most one that is not
    resolved per (rule, dimension, key).
    """
    stepping = _Stepping(known, minute, rules)
    for group in stepping.without_storm(groups(spikes)):
        stepping.take(group)
    stepping.resolve_quiet()
    return Stepped(tuple(stepping.happenings), tuple(stepping.incidents))


class _Stepping:
    def __init__(self, known: Sequence[Incident], minute: datetime, rules: Mapping[str, Terms]) -> None:
        self.happenings: list[Happening] = []
        self.incidents = list(known)
        self._minute = minute
        self._rules = rules

    def without_storm(self, found: Sequence[Group]) -> list[Group]:
        """`found`, those that would open an incident of their own as one group when they are many."""
        opening = [group for group in found if self._opens(group)]
        if len(opening) <= STORM:
            return list(found)
        first, *others = opening
        members = (*first.members, *(spike for group in others for spike in (group.root, *group.members)))
        return [Group(first.root, members), *(group for group in found if group not in opening)]

    def _opens(self, group: Group) -> bool:
        root = group.root
        return (
            self._unresolved(_key(root)) is None
            and not is_part(self.incidents, root)
            and ebbing_rise(self.incidents, root, self._minute) is None
            and self._recent(_key(root)) is None
            and self._oldest_of(group) is None
        )

    def take(self, group: Group) -> None:
        root = group.root
        at = self._unresolved(_key(root))
        if at is not None:
            self._go_on(at, root)
        elif is_part(self.incidents, root):
            self._let_go_on(group.members)
            return
        elif (rise := ebbing_rise(self.incidents, root, self._minute)) is not None:
            self._take_in(rise, (root, *group.members))
            return
        elif (ended := self._recent(_key(root))) is not None:
            if root.since <= cast("datetime", self.incidents[ended].resolved_at):
                return  # a person resolved it while it went on: the same firing is not told again
            at = self._reopen(ended, root)
        elif (oldest := self._oldest_of(group)) is not None:
            at = self._take_over(oldest, root)
        elif (stormy := storm(self.incidents, root, self._minute)) is not None:
            self._take_in(stormy, (root, *group.members))
            return
        else:
            at = self._open(root)
        self._take_in(at, group.members)

    def resolve_quiet(self) -> None:
        for at, incident in enumerate(self.incidents):
            terms = self._rules.get(incident.rule)
            quiet = QUIET_WITHOUT_RULE if terms is None else terms.keep_firing_for
            if incident.state is not IncidentState.RESOLVED and self._minute - incident.last_seen_at >= quiet:
                # it ended then, though we may look at it only now, after a pause
                self._happen(at, HappeningKind.RESOLVED, replace(incident, resolved_at=incident.last_seen_at + quiet))

    def _open(self, spike: Spike) -> int:
        self.incidents.append(opened_by(spike, self._labels(spike.rule)))
        opened = self.incidents[-1]
        self.happenings.append(Happening(HappeningKind.OPENED, self._minute, opened))
        return len(self.incidents) - 1

    def _reopen(self, at: int, spike: Spike) -> int:
        return self._happen(at, HappeningKind.REOPENED, come_back(self.incidents[at], spike))

    def _labels(self, rule: str) -> dict[str, str]:
        terms = self._rules.get(rule)
        if terms is None:
            return {}
        return terms.labels | ({"runbook": terms.runbook} if terms.runbook is not None else {})

    def _go_on(self, at: int, spike: Spike) -> None:
        before = self.incidents[at]
        worse = SEVERITIES.index(spike.severity) > SEVERITIES.index(before.severity)
        told = cast("int", before.evidence.get("told", before.observed))
        grown = spike.observed >= max(1, GREW_TIMES * told) and not _fell_short(spike)
        now = with_figures(before, spike, told=worse or grown)
        if worse:
            self._happen(at, HappeningKind.ESCALATED, replace(now, severity=spike.severity))
        elif grown and before.parent is None:
            self._happen(at, HappeningKind.GREW, now)
        else:
            self.incidents[at] = now

    def _let_go_on(self, members: Sequence[Spike]) -> None:
        """Incidents go on whose spikes are explained, for the moment, by what they took in."""
        for member in members:
            own = self._unresolved(_key(member))
            if own is not None:
                self._go_on(own, member)

    def _take_over(self, at: int, spike: Spike) -> int:
        before = self.incidents[at]
        worse = SEVERITIES.index(spike.severity) > SEVERITIES.index(before.severity)
        now = taken_over(before, spike, self._labels(spike.rule))
        if worse:
            now = replace(now, severity=spike.severity)
        return self._happen(at, HappeningKind.ESCALATED if worse else HappeningKind.GREW, now)

    def _take_in(self, at: int, members: Sequence[Spike]) -> None:
        """The incidents that `members` have of their own become children; all of them are remembered as parts."""
        known = cast("list[list[str]]", self.incidents[at].evidence.get("parts", []))
        # a key is one part, by however many rules it fires
        parts = {(dimension, key): rule for rule, dimension, key in known}
        for member in members:
            rule, dimension, key = _key(member)
            parts.setdefault((dimension, key), rule)
            own = self._unresolved(_key(member))
            if own is not None and own != at:
                parent = self.incidents[at].id
                self.incidents[own] = replace(with_figures(self.incidents[own], member), parent=parent)
        if members:
            listed = [[rule, *name] for name, rule in islice(parts.items(), MOST_PARTS)]
            evidence = {**self.incidents[at].evidence, "parts": listed, "parts_distinct": len(parts)}
            self._update(at, replace(self.incidents[at], evidence=evidence))

    def _happen(self, at: int, kind: HappeningKind, now: Incident) -> int:
        """`kind` happens to the incident, which is `now` but for its state."""
        state = after(self.incidents[at].state, kind)
        resolved_at = now.resolved_at if state is IncidentState.RESOLVED else None
        self.incidents[at] = replace(now, state=state, resolved_at=resolved_at)
        self.happenings.append(Happening(kind, self._minute, self.incidents[at]))
        return at

    def _update(self, at: int, now: Incident) -> None:
        """Changes the incident and what the minute's happenings say of it."""
        before = self.incidents[at]
        self.incidents[at] = now
        self.happenings = [
            replace(happening, incident=now) if happening.incident is before else happening
            for happening in self.happenings
        ]

    def _unresolved(self, key: Key) -> int | None:
        return next(
            (
                at
                for at, incident in enumerate(self.incidents)
                if incident.state is not IncidentState.RESOLVED and _key(incident) == key
            ),
            None,
        )

    def _recent(self, key: Key) -> int | None:
        """The last incident of `key` that ended less than GRACE ago."""
        ended = [
            (incident.resolved_at, at)
            for at, incident in enumerate(self.incidents)
            if incident.resolved_at is not None
            and _key(incident) == key
            and self._minute - incident.resolved_at < GRACE
        ]
        return max(ended)[1] if ended else None

    def _oldest_of(self, group: Group) -> int | None:
        """The oldest incident of a member, of those that began about when the root did."""
        own = [
            at
            for member in group.members
            if (at := self._unresolved(_key(member))) is not None
            and group.root.since - self.incidents[at].since <= TAKEN_OVER_WITHIN
        ]
        return min(own, key=lambda at: (self.incidents[at].opened_at, at), default=None)


def _key(of: Spike | Incident) -> Key:
    return (of.rule, of.dimension.value, of.key)


def _fell_short(spike: Spike) -> bool:
    """Whether it is that there are too few: more of them is no growth of it."""
    return spike.expected is not None and spike.observed < spike.expected
