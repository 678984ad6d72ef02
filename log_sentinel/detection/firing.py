"""Which entities a rule is firing for, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from log_sentinel.detection.high import High

# An entity that fired so recently does not teach its baseline yet: its minutes belong to the incident.
FROZEN_AFTER = 15
# What lasts longer than a day is the new normal, and is learned as such.
ABSORBED_AFTER = 24 * 60


class Firing:
    """The entities of one rule: the first minute of what fires, and the last minute it fired."""

    def __init__(self) -> None:
        self._spans: dict[str, tuple[int, int]] = {}

    def __contains__(self, entity: str) -> bool:
        return entity in self._spans

    def fire(self, minute: int, since: Mapping[str, int]) -> dict[str, int]:
        """These entities fire at `minute`; gives the first minute of each, which is that of its first firing."""
        fires = {
            entity: self._spans[entity][0] if self.fires(entity, minute - 1) else first
            for entity, first in since.items()
        }
        self._spans.update({entity: (first, minute) for entity, first in fires.items()})
        self._spans = {entity: span for entity, span in self._spans.items() if span[1] > minute - FROZEN_AFTER - 10}
        return fires

    def fires(self, entity: str, minute: int) -> bool:
        """Whether `entity` fired at `minute` or in the last minutes before it (a dip of a minute ends nothing)."""
        return entity in self._spans and self._spans[entity][1] >= minute - 1

    def lasted(self, entity: str, minute: int) -> int:
        """For how many minutes `entity` has been firing; 0 when it was not up to now."""
        return minute - self._spans[entity][0] if self.fires(entity, minute - 1) else 0

    def firing(self, minute: int) -> list[str]:
        return [entity for entity in self._spans if self.fires(entity, minute)]

    def frozen(self, minute: int) -> list[str]:
        """The entities whose minutes are those of an incident and must not become usual."""
        return [
            entity
            for entity, (first, last) in self._spans.items()
            if last > minute - FROZEN_AFTER and minute - first < ABSORBED_AFTER
        ]

    def state(self) -> dict[str, list[int]]:
        return {entity: list(span) for entity, span in self._spans.items()}

    def restore(self, state: Mapping[str, Iterable[int]]) -> None:
        self._spans = {entity: (first, last) for entity, (first, last) in state.items()}


class Touched:
    """Entities that have a good part of what fires for another one: nor do those minutes become usual."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def touch(self, minute: int, entities: Iterable[str]) -> None:
        self._last.update(dict.fromkeys(entities, minute))
        self._last = {entity: last for entity, last in self._last.items() if last > minute - FROZEN_AFTER - 10}

    def frozen(self, minute: int) -> list[str]:
        return [entity for entity, last in self._last.items() if last > minute - FROZEN_AFTER]

    def state(self) -> dict[str, int]:
        return dict(self._last)

    def restore(self, state: Mapping[str, int]) -> None:
        self._last = dict(state)


def since_first_fired(high: Sequence[High], firing: Mapping[int, Firing], minute: int) -> list[High]:
    """Notes in `firing` (by the rule's place) what is `high` at `minute`; `since` becomes that of the first firing."""
    first: dict[int, dict[str, int]] = {rule: {} for rule in firing}
    for one in high:
        first[one.rule][one.entity] = one.since
    fires = {rule: memory.fire(minute, first[rule]) for rule, memory in firing.items()}
    return [one._replace(since=fires[one.rule][one.entity]) for one in high]
