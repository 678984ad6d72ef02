"""Looks up what the keys of spikes did before: who is hurt decides how grave an incident is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from log_sentinel.incidents.hurt import that_concern, with_who_is_hurt
from log_sentinel.model.spike import Dimension
from log_sentinel.store.activity import Outcomes, outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from log_sentinel.model.spike import Spike
    from log_sentinel.store.engine import Database

# Activity is counted for these.
COUNTED = (Dimension.CLIENT, Dimension.IP)

Which = tuple[Dimension, str, "datetime"]


class LookedUp:
    """Asks `look_up` once for each key and hour that a spike began in, for as long as it fires.

    `look_up` is given dimension, keys and hour, as `store.activity.outcomes` is, and gives what that gives.
    """

    def __init__(self, look_up: Callable[[str, list[str], datetime], Mapping[str, Outcomes]]) -> None:
        self._look_up = look_up
        self._known: dict[Which, Outcomes | None] = {}

    def known(self, spikes: list[Spike]) -> list[Spike]:
        """`spikes`, those of clients and addresses with who is hurt by them, and without those that are for others."""
        asked = {_which(spike) for spike in spikes if spike.dimension in COUNTED}
        self._known = {which: found for which, found in self._known.items() if which in asked}
        for dimension, hour in {(dimension, hour) for dimension, _, hour in asked - self._known.keys()}:
            keys = [which[1] for which in asked - self._known.keys() if which[0] == dimension and which[2] == hour]
            found = self._look_up(dimension, keys, hour)
            self._known.update({(dimension, key, hour): found.get(key) for key in keys})
        return that_concern(self._told(spike) if spike.dimension in COUNTED else spike for spike in spikes)

    def _told(self, spike: Spike) -> Spike:
        before = self._known[_which(spike)]
        if before is None:
            return with_who_is_hurt(spike, hours=0, requests=0, succeeded=0, first_seen=None)
        return with_who_is_hurt(
            spike,
            hours=before.hours,
            requests=before.requests,
            succeeded=before.succeeded,
            first_seen=None if before.first_seen is None else before.first_seen.isoformat(),
            lately=before.lately,
        )


class Customers(LookedUp):
    """Asks the database."""

    def __init__(self, database: Database) -> None:
        super().__init__(partial(outcomes, database))


def _which(spike: Spike) -> Which:
    return (spike.dimension, spike.key, spike.since.replace(minute=0, second=0, microsecond=0))
