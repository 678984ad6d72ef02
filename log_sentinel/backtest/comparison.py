"""Two replays of the same span side by side: which incidents both would have had, and which only one of them.

Two incidents are the same when they are of the same key and their times meet, whichever rule opened them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from log_sentinel.incidents.stepping import GRACE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from log_sentinel.backtest.replay import Replay
    from log_sentinel.model.incident import Incident


@dataclass(frozen=True, slots=True)
class Comparison:
    """`both`: incidents of the first replay that the second has too. `only_first`, `only_second`: the differences."""

    both: tuple[Incident, ...]
    only_first: tuple[Incident, ...]
    only_second: tuple[Incident, ...]

    @property
    def differs(self) -> bool:
        return bool(self.only_first or self.only_second)


def compared(first: Replay, second: Replay) -> Comparison:
    """Both replays must be of the same span."""
    end = first.span.end
    both = tuple(one for one in first.incidents if _among(one, second.incidents, end))
    return Comparison(
        both,
        tuple(one for one in first.incidents if one not in both),
        tuple(one for one in second.incidents if not _among(one, first.incidents, end)),
    )


def _among(one: Incident, others: Iterable[Incident], end: datetime) -> bool:
    """One that was told twice on one side and once on the other is no difference."""
    return any(
        (one.dimension, one.key) == (other.dimension, other.key)
        and one.since <= (other.resolved_at or end) + GRACE
        and other.since <= (one.resolved_at or end) + GRACE
        for other in others
    )
