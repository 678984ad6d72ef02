"""Short bursts that were no incident, remembered so that they are none the next time either.

Experience: every burst that was over within SHORT minutes is a sample of what happens here without being worth a
message, whoever had it. Of the samples it is known how many denials beyond the usual they had when they had lasted one,
two, three ... high minutes. Clients have theirs, addresses theirs, routes theirs: that scanners linger says nothing of
clients. But a client that retries from one address is a burst of that address, too, and of its network. What is to be
told must be larger than that by so much that the samples would reach it as often as the budget of false alarms allows;
the tail of the samples is continued as an exponential one, a little beyond the largest. A deployment whose clients
retry for three minutes thus waits for the fourth minute, or for more than retries ever were; nobody has to know that in
advance.

Habit: an entity that had two or more short bursts in the last day or so (jobs, retries) is muted below twice the
largest of them, for at most as long as a short burst lasts. The whole deployment has no habits.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

# Whose bursts are seen in those of another dimension, too.
SEEN_IN: dict[str, tuple[str, ...]] = {
    Dimension.IP: (Dimension.CLIENT,),
    Dimension.NETWORK: (Dimension.CLIENT, Dimension.IP),
    Dimension.ROUTE_CLIENT: (Dimension.CLIENT,),
}
SHORT = 15
# A burst is over when it was not seen for so many minutes.
OVER_AFTER = 5
HABIT_FROM, HABIT_TIMES = 1.5, 2.0
HALF_LIFE = 24 * 60
# Habits remembered; of more than that the weakest are forgotten.
MAX_HABITS = 20_000
# Samples remembered of a dimension, and for how long.
MAX_SAMPLES, REMEMBERED = 2_000, 14 * 24 * 60
WEEK = 7 * 24 * 60
# High minutes that are told apart; from the last on they are one.
LONGEST = 10
# The tail is the largest quarter of the samples, of at least FEW and at most MANY.
FEW, MANY = 5, 40
# So many of the largest count as at most so many times the next one: what happened once is not ordinary.
ONCE, UNLIKE = 2, 2.0
# How far beyond the largest sample the tail is continued at most, of a few samples and of many.
BEYOND, BEYOND_MANY = 1.6, 1.3


@dataclass(slots=True)
class Burst:
    """`sizes`: how large it was when it had so many high minutes; empty when it says nothing of others."""

    first: int
    last: int
    peak: int
    sizes: dict[int, float]
    apart: bool = False


@dataclass(slots=True)
class Habit:
    """`weight`: bursts remembered, decayed up to the minute `at`. `peak`: the largest of them."""

    weight: float
    peak: int
    at: int


@dataclass(slots=True)
class Bursts:
    """What is going on, and what is remembered.

    An entity is named by the `bursting` of the window that it is looked at in.
    """

    going_on: dict[str, Burst] = field(default_factory=dict)
    habits: dict[str, Habit] = field(default_factory=dict)
    samples: dict[str, deque[tuple[int, dict[int, float]]]] = field(default_factory=dict)
    begun: int | None = None
    # by the number of what is counted, whose samples it shares; its own when it is not there
    pools: Mapping[str, str] = field(default_factory=dict, compare=False)
    _floors: dict[tuple[str, int, float], float] = field(default_factory=dict)

    def see(self, minute: int, entity: str, n: int, size: float | None, high: int) -> Burst:
        """`entity` is high at `minute`, for the `high`th minute: `n` denials, of which `size` are beyond the usual.

        `size` is None where the entity is so large that what it does says nothing of others.
        """
        burst = self.going_on.setdefault(entity, Burst(minute, minute, n, {}))
        burst.last, burst.peak = minute, max(burst.peak, n)
        if size is not None:
            for lasted in range(1, min(high, LONGEST) + 1):
                if lasted == high or lasted not in burst.sizes:
                    burst.sizes[lasted] = max(size, burst.sizes.get(lasted, 0.0))
        return burst

    def set_apart(self, entities: Collection[str] | None = None) -> None:
        """What goes on, of all or of `entities`, is part of something larger or was cut short: no sample, no habit."""
        for bursting, burst in self.going_on.items():
            if entities is None or bursting.partition(":")[2] in entities:
                burst.apart = True

    def end(self, minute: int) -> None:
        """Remembers the bursts that are over. Called every minute."""
        self.begun = minute if self.begun is None else self.begun
        for entity in [one for one, burst in self.going_on.items() if burst.last < minute - OVER_AFTER]:
            burst = self.going_on.pop(entity)
            if burst.apart or burst.last - burst.first > SHORT:
                continue
            before = self.habits.get(entity)
            weight = 1.0 + (0.0 if before is None else _weight(before, minute))
            if weight < HABIT_FROM and burst.sizes:
                pool = "".join(self._pool(entity))
                self.samples.setdefault(pool, deque(maxlen=MAX_SAMPLES)).append((minute, burst.sizes))
                self._floors.clear()
            self.habits[entity] = Habit(weight, max(burst.peak, 0 if before is None else before.peak), minute)
        if minute % 60 == 0:
            self._forget(minute)

    def floor(self, minute: int, entity: str, high: int, a_week: float) -> float:
        """The size that bursts like that entity's reach about `a_week` times a week with `high` high minutes."""
        window, own = self._pool(entity)
        found = 0.0
        for pool in (own, *SEEN_IN.get(own, ())):
            asked = (f"{window}{pool}", min(high, LONGEST), a_week)
            if asked not in self._floors:
                self._floors[asked] = self._floor(minute, *asked)
            found = max(found, self._floors[asked])
        return found

    def muted(self, minute: int, entity: str, n: int) -> bool:
        """Whether this is what the entity does now and then."""
        habit, burst = self.habits.get(entity), self.going_on.get(entity)
        return (
            habit is not None
            and burst is not None
            and _weight(habit, minute) >= HABIT_FROM
            and n < HABIT_TIMES * habit.peak
            and minute - burst.first <= SHORT
        )

    def state(self) -> dict[str, object]:
        """JSON-able."""
        return {
            "going_on": {
                entity: [burst.first, burst.last, burst.peak, list(burst.sizes.items()), burst.apart]
                for entity, burst in self.going_on.items()
            },
            "habits": {entity: [habit.weight, habit.peak, habit.at] for entity, habit in self.habits.items()},
            "samples": {
                dimension: [[at, list(sizes.items())] for at, sizes in of] for dimension, of in self.samples.items()
            },
            "begun": self.begun,
        }

    def restore(self, state: object) -> None:
        given = cast("Mapping[str, dict[str, list[list[object]]]]", state)
        self.going_on = {
            entity: Burst(int(first), int(last), int(peak), _sizes(sizes), bool(apart))
            for entity, (first, last, peak, sizes, apart) in cast("dict[str, list[int]]", given["going_on"]).items()
        }
        self.habits = {
            entity: Habit(float(weight), int(peak), int(at))
            for entity, (weight, peak, at) in cast("dict[str, list[int]]", given["habits"]).items()
        }
        self.samples = {
            dimension: deque(((int(at), _sizes(sizes)) for at, sizes in of), maxlen=MAX_SAMPLES)
            for dimension, of in cast("dict[str, list[tuple[int, object]]]", given["samples"]).items()
        }
        self.begun = cast("int | None", given["begun"])
        self._floors.clear()

    def _pool(self, bursting: str) -> tuple[str, str]:
        """The window with its colon, and the pool: bursts are only compared with those of the same window."""
        window, colon, what = bursting.partition("|")[0].rpartition(":")
        return window + colon, self.pools.get(what, what)

    def _floor(self, minute: int, pool: str, high: int, a_week: float) -> float:
        seen = sorted((sizes[high] for _, sizes in self.samples.get(pool, ()) if high in sizes), reverse=True)
        if not seen:
            return 0.0
        largest = min(seen[0], UNLIKE * seen[min(ONCE, len(seen) - 1)])
        tail = [min(size, largest) for size in seen[: min(MANY, max(FEW, len(seen) // 4))]]
        least = tail[-1]
        allowed = a_week * max(60, min(REMEMBERED, minute - (self.begun or 0))) / WEEK
        if len(tail) < FEW:
            return BEYOND * largest
        mean_excess = sum(size - least for size in tail) / (len(tail) - 1)
        most = largest * (BEYOND_MANY if len(seen) >= MANY else BEYOND)
        return min(most, least + mean_excess * max(0.0, math.log(len(tail) / allowed)))

    def _forget(self, minute: int) -> None:
        for of in self.samples.values():
            while of and of[0][0] < minute - REMEMBERED:
                of.popleft()
        strong = sorted(self.habits.items(), key=lambda one: -_weight(one[1], minute))[:MAX_HABITS]
        self.habits = {entity: habit for entity, habit in strong if _weight(habit, minute) > 0.25}
        self._floors.clear()


def bursting(window: int, entity: str) -> str:
    """The name of `entity` where it is looked at in a window of so many minutes."""
    return f"{window}:{entity}"


def _weight(habit: Habit, minute: int) -> float:
    weight: float = habit.weight * 0.5 ** ((minute - habit.at) / HALF_LIFE)
    return weight


def _sizes(pairs: object) -> dict[int, float]:
    return {int(lasted): float(size) for lasted, size in cast("Iterable[tuple[int, float]]", pairs)}
