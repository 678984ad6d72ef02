"""What is high at the end of a minute: one entity by one rule."""

from __future__ import annotations

from typing import NamedTuple


class High(NamedTuple):
    """`rule`: its place among the rules. `n`: denials in the window, `expected`: how many are usual (None for a
    threshold). `since`: the first high minute. `status`: 0 where statuses are counted together.
    """

    rule: int
    entity: str
    key: str
    status: int
    n: int
    expected: float | None
    since: int
