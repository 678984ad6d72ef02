"""Which keys a rule is firing for, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# A key that fired so recently does not teach its baseline yet: its minutes belong to the incident.
FROZEN_AFTER = 15
# What lasts longer than a day is the new normal, and is learned as such.
ABSORBED_AFTER = 24 * 60


class Firing:
    """The keys of one rule: the first minute of what fires, and the last minute it fired."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[int, int]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def fire(self, minute: int, since: Mapping[str, int]) -> dict[str, int]:
        """These keys fire at `minute`; gives the first minute of each, which is that of its first firing."""
        fires = {key: self._keys[key][0] if self.fires(key, minute - 1) else first for key, first in since.items()}
        self._keys.update({key: (first, minute) for key, first in fires.items()})
        self._keys = {key: span for key, span in self._keys.items() if span[1] > minute - FROZEN_AFTER - 10}
        return fires

    def fires(self, key: str, minute: int) -> bool:
        """Whether `key` fired at `minute` or in the last minutes before it (a dip of a minute ends nothing)."""
        return key in self._keys and self._keys[key][1] >= minute - 1

    def firing(self, minute: int) -> list[str]:
        return [key for key in self._keys if self.fires(key, minute)]

    def frozen(self, minute: int) -> list[str]:
        """The keys whose minutes are those of an incident and must not become usual."""
        return [
            key
            for key, (first, last) in self._keys.items()
            if last > minute - FROZEN_AFTER and minute - first < ABSORBED_AFTER
        ]

    def state(self) -> dict[str, list[int]]:
        return {key: list(span) for key, span in self._keys.items()}

    def restore(self, state: Mapping[str, Iterable[int]]) -> None:
        self._keys = {key: (first, last) for key, (first, last) in state.items()}
