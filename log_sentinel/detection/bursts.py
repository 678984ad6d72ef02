"""Short bursts that were no incident, remembered so that they are none the next time either.

Novelty: what entities hardly seen before do in the ordinary course of things (background scanners, mostly). A new
entity must be a quarter above the fifth largest such burst of the last day; the floor is at most MOST_FLOOR, and 0
until there were ENOUGH of them.

Habit: an entity that had two or more short bursts in the last day or so (jobs, retries) is muted below twice the
largest of them, for at most as long as a short burst lasts. The whole deployment has no habits.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NEW_BELOW = 2.0
ENOUGH, NTH, ABOVE, MOST_FLOOR = 20, 5, 1.25, 100.0
SHORT = 15
# A burst is over when it was not seen for so many minutes.
OVER_AFTER = 5
HABIT_FROM, HABIT_TIMES = 1.5, 2.0
HALF_LIFE = 24 * 60
DAY = 24 * 60
# Habits remembered; of more than that the weakest are forgotten.
MAX_HABITS = 20_000


@dataclass(slots=True)
class Burst:
    first: int
    last: int
    peak: int
    new: bool
    told: bool = False


@dataclass(slots=True)
class Habit:
    """`weight`: bursts remembered, decayed up to the minute `at`. `peak`: the largest of them."""

    weight: float
    peak: int
    at: int


@dataclass(slots=True)
class Bursts:
    """What is going on, and what is remembered. `group` is what is counted and the status, as in `3|403`."""

    going_on: dict[str, Burst] = field(default_factory=dict)
    habits: dict[str, Habit] = field(default_factory=dict)
    new: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def see(self, minute: int, entity: str, n: int, mean: float) -> None:
        """`entity` is high at `minute`: `n` denials where `mean` are usual."""
        burst = self.going_on.setdefault(entity, Burst(minute, minute, n, mean < NEW_BELOW))
        burst.last, burst.peak = minute, max(burst.peak, n)

    def told(self, entities: Iterable[str]) -> None:
        """These are part of what people were told: no habits."""
        for entity in entities:
            if entity in self.going_on:
                self.going_on[entity].told = True

    def end(self, minute: int) -> None:
        """Remembers the bursts that are over."""
        for entity in [one for one, burst in self.going_on.items() if burst.last < minute - OVER_AFTER]:
            burst = self.going_on.pop(entity)
            if burst.told or burst.last - burst.first > SHORT:
                continue
            before = self.habits.get(entity)
            weight = 1.0 + (0.0 if before is None else _weight(before, minute))
            self.habits[entity] = Habit(weight, max(burst.peak, 0 if before is None else before.peak), minute)
            if burst.new:
                self.new.setdefault(_group(entity), []).append((minute, burst.peak))
        if minute % 60 == 0:
            self.new = {
                group: [(at, peak) for at, peak in seen if at > minute - DAY] for group, seen in self.new.items()
            }
            strong = sorted(self.habits.items(), key=lambda one: -_weight(one[1], minute))[:MAX_HABITS]
            self.habits = {entity: habit for entity, habit in strong if _weight(habit, minute) > 0.25}

    def floor(self, entity: str, mean: float) -> float:
        """What an entity with so small a mean must exceed."""
        seen = self.new.get(_group(entity), [])
        if mean >= NEW_BELOW or len(seen) < ENOUGH:
            return 0.0
        return min(MOST_FLOOR, ABOVE * sorted((peak for _, peak in seen), reverse=True)[NTH - 1])

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
        return asdict(self)

    def restore(self, state: object) -> None:
        given = cast("Mapping[str, Mapping[str, dict[str, int]]]", state)
        self.going_on = {entity: Burst(**burst) for entity, burst in given["going_on"].items()}  # type: ignore[arg-type]
        self.habits = {entity: Habit(**habit) for entity, habit in given["habits"].items()}
        self.new = {
            group: [(at, peak) for at, peak in seen]
            for group, seen in cast("Mapping[str, list[tuple[int, int]]]", given["new"]).items()
        }


def _weight(habit: Habit, minute: int) -> float:
    weight: float = habit.weight * 0.5 ** ((minute - habit.at) / HALF_LIFE)
    return weight


def _group(entity: str) -> str:
    return "|".join(entity.split("|", 2)[:2])
