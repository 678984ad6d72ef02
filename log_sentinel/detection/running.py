"""Sums over the last minutes, kept up as minutes come and go: a minute costs what it has, not what the window has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_sentinel.detection.tally import Tally


class Running:
    """Sums over `window` minutes, of what is counted at the places in `leasts`.

    `large` are the entities that have as many as `leasts` says for them, and how many.
    """

    def __init__(self, window: int, leasts: Mapping[int, float]) -> None:
        self.large: dict[str, int] = {}
        self._window = window
        self._leasts = dict(leasts)
        self._sums: dict[str, int] = {}
        self._minutes: dict[int, Tally] = {}

    def put(self, minute: int, counts: Tally, newest: int) -> None:
        """Takes a minute in, in the place of what was there, and lets go of those that are too old at `newest`."""
        for old in [one for one in self._minutes if one == minute or one <= newest - self._window]:
            self._add(self._minutes.pop(old), -1)
        if minute > newest - self._window:
            self._minutes[minute] = {what: counts[what] for what in self._leasts if what in counts}
            self._add(self._minutes[minute], 1)

    def sum(self, entity: str) -> int:
        return self._sums.get(entity, 0)

    def _add(self, counts: Tally, times: int) -> None:
        sums, large = self._sums, self.large
        for what, entities in counts.items():
            least = self._leasts[what]
            for entity, n in entities.items():
                now = sums.get(entity, 0) + times * n
                if now:
                    sums[entity] = now
                else:
                    sums.pop(entity, None)
                if now >= least:
                    large[entity] = now
                elif entity in large:
                    del large[entity]
