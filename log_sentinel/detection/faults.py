"""Rules that fail: they are left out, the others go on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Faults:
    """What went wrong with rules. `newest`: by rule, the last error since it was asked for; `count`: of all time."""

    def __init__(self) -> None:
        self.count = 0
        self._newest: dict[str, Exception] = {}

    @contextmanager
    def of(self, rule: str) -> Iterator[None]:
        """Whatever fails in here is a fault of `rule`, and goes no further."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - one rule of many, of which users write some: the others must go on
            self.count += 1
            self._newest[rule] = error

    def take(self) -> dict[str, Exception]:
        """The newest error of each rule that failed since this was asked the last time."""
        taken, self._newest = self._newest, {}
        return taken
