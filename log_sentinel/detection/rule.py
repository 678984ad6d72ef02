"""A rule of `alerts/`: what it looks at, when it fires, and the series that prove it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from log_sentinel.model.spike import Dimension, Severity, Who

# The widest window a rule may look at: so many minutes are held in memory.
WIDEST = 60


class Kind(StrEnum):
    """threshold: so many denials in the window. ratio: so many, and so many times the key's own usual. spike: so many,
    so many times the usual, and more than chance would bring within the budget of false alarms. silence: so many times
    fewer than usual.
    """

    THRESHOLD = "threshold"
    RATIO = "ratio"
    SPIKE = "spike"
    SILENCE = "silence"


class Count(StrEnum):
    """What is added up: every denial, or everybody who is denied once a minute."""

    DENIALS = "denials"
    ASKERS = "askers"


class Of(StrEnum):
    """What falls silent."""

    DENIALS = "denials"
    REQUESTS = "requests"


@dataclass(frozen=True, slots=True)
class Series:
    """A test of a rule: denials of one key minute by minute, and when the rule must fire and resolve.

    `denials` and `requests` are counts of minute 0, 1, 2 ... `usual` and `usual_requests` are the counts of every
    minute of the `history` before them. `fires_at` is the minute at whose end the rule fires, `resolves_at` the one at
    whose end its incident resolves; None: it must not. `spread`: columns and over how many values of each the denials
    are spread evenly; over one where nothing is said. `who`: whom it hurts, as the key's earlier requests would tell;
    None: nobody in particular.
    """

    name: str
    denials: tuple[int, ...]
    requests: tuple[int, ...] = ()
    usual: float = 0.0
    usual_requests: float = 0.0
    history: timedelta = timedelta(hours=24)
    spread: tuple[tuple[str, int], ...] = ()
    who: Who | None = None
    fires_at: int | None = None
    resolves_at: int | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """Which denials are counted, and by what: rules that count the same share the counting and the learning.

    `statuses` empty: every denied status. `where`: columns of DENIED_MINUTES (or `network`) and the values they may
    have. `apart`: each status for itself, so that a 403 outage does not hide in the noise of 429. `askers`: every
    client (every network, where none is named) counts once a minute, however often it is denied: what one of them does
    is seen in no such count, and what happens to all of them early.
    """

    dimension: Dimension
    statuses: tuple[int, ...] = ()
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    apart: bool = False
    askers: bool = False

    @property
    def named(self) -> str:
        """In words, the same for the same counting."""
        filters = [f"{column} {' or '.join(values)}" for column, values in self.where]
        if self.statuses:
            filters.insert(0, f"status {' or '.join(map(str, self.statuses))}")
        filters += ["each status apart"] if self.apart else []
        filters += ["each asker once a minute"] if self.askers else []
        return ", ".join([self.dimension.value, *filters])


def in_denials(counted: Counted) -> Counted:
    """The same, with every denial counted."""
    return replace(counted, askers=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """One file of `alerts/`; its name is the file's. Windows are whole minutes.

    Fires for a key that has `at_least` denials (or askers) in the `window` (and, for a ratio, `times_usual` times what
    is usual for it), when `confirm` minutes were high: a burst of one second is no incident. It goes on firing until it
    is half way back to the usual, and its incident resolves after `keep_firing_for` without.

    `distinct`: columns and how many values of each the denials must have. `largest`: columns and the largest share one
    value of each may have, `largest_of_rise` the same of what came on top of the minutes before. `share`: the part of
    the key's requests that must be denied, for routes and the whole. `traffic_at_most`: how many times its usual
    requests the key may have; None: any number. `of_requests`: it is requests that fall silent, and not denials.
    `yields_to`: rules that say more of a key that fires by both. `of_whom`: it fires only where one of these is hurt.
    """

    name: str
    description: str
    kind: Kind
    counted: Counted
    window: int
    at_least: int
    severity: Severity
    times_usual: float = 1.0
    usual_over: timedelta = timedelta(hours=24)
    confirm: int = 1
    distinct: tuple[tuple[str, int], ...] = ()
    largest: tuple[tuple[str, float], ...] = ()
    largest_of_rise: tuple[tuple[str, float], ...] = ()
    share: float = 0.0
    traffic_at_most: float | None = None
    of_requests: bool = False
    yields_to: tuple[str, ...] = ()
    of_whom: tuple[Who, ...] = ()
    keep_firing_for: timedelta = timedelta(minutes=10)
    labels: dict[str, str] = field(default_factory=dict)
    runbook: str | None = None
    series: tuple[Series, ...] = ()

    def held(self, mean: float) -> float:
        """So many denials, where `mean` are usual, for what fires to go on firing."""
        return max(self.at_least / 2, mean * self.half_way)

    @property
    def half_way(self) -> float:
        """How many times the usual is half way to what it fires at."""
        return (1 + self.times_usual) / 2
