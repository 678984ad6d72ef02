"""Who asked how often, of many requests given as lists: those who were denied or asked much by name, the rest as one.

A crowd of addresses that are seen once must not make as many rows; and counting Python's own values takes less time
than making the engine's columns of them.
"""

from __future__ import annotations

from collections import Counter
from itertools import compress
from typing import TYPE_CHECKING

from log_sentinel.model.columns import OTHER_KEY
from log_sentinel.parsing.bulk_counts import STATUSES
from log_sentinel.parsing.times import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Sequence

# Of the keys that were never denied those stay that made one request in this many of their batch, so at most as many;
# of a batch smaller than this, every key.
ONE_IN = 1000


class Askers:
    """Requests by when (milliseconds UTC) and with what status they were made; `denied` are told apart in ACTIVITY.

    There is at least one.
    """

    def __init__(self, times: Sequence[int], statuses: Sequence[int], denied: Collection[int]) -> None:
        first, last = min(times) // HOUR, max(times) // HOUR
        # one number says when and with what outcome; most batches lie within an hour
        base = first * STATUSES if first == last else 0
        self._at = (
            statuses
            if base
            else [time // HOUR * STATUSES + status for time, status in zip(times, statuses, strict=True)]
        )
        self._everybody = Counter(self._at)
        self._hit = list(map(denied.__contains__, statuses))
        self._told = {when: _told(base + when, denied) for when in self._everybody}

    def count(
        self,
        counts: Counter[tuple[int, str, str, int]],
        dimension: str,
        keys: Sequence[Hashable],
        key_of: Callable[..., str | None],
        nobody: str | None,
        missing: Iterable[Hashable],
    ) -> None:
        """Adds rows of ACTIVITY to `counts`, of the keys that `key_of` makes of `keys`, one for each request.

        `nobody` is the key of who has none (None: not counted); what stands in `keys` for them is among `missing`.
        """
        others = self._everybody.copy()
        least = -(-len(keys) // ONE_IN)
        worth = {key for key, n in Counter(keys).items() if n >= least}.union(compress(keys, self._hit), missing)
        named = Counter(compress(zip(keys, self._at, strict=True), map(worth.__contains__, keys)))
        for (asked, when), n in named.items():
            others[when] -= n
            key = key_of(asked) or nobody
            if key is not None:
                hour, outcome = self._told[when]
                row = hour, dimension, key, outcome
                counts[row] = counts.get(row, 0) + n
        for when, n in (+others).items():
            hour, outcome = self._told[when]
            counts[hour, dimension, OTHER_KEY, outcome] += n


def _told(when: int, denied: Collection[int]) -> tuple[int, int]:
    hour, status = divmod(when, STATUSES)
    return hour * HOUR, status if status in denied else status // 100
