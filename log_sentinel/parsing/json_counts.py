"""Who asked how often, of many requests given as lists of Python's own values, as JSON is decoded to.

Counting these takes less time than making the engine's columns of them.
"""

from __future__ import annotations

from collections import Counter
from itertools import compress
from typing import TYPE_CHECKING

from log_sentinel.model.columns import OTHER_KEY
from log_sentinel.parsing.bulk_activity import ADDRESS, CLIENTS, IPS
from log_sentinel.parsing.bulk_counts import STATUSES
from log_sentinel.parsing.json_paths import MISSING
from log_sentinel.parsing.tally import ONE_IN
from log_sentinel.parsing.times import HOUR
from log_sentinel.parsing.values import text

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from log_sentinel.parsing.canonical import Canonical
    from log_sentinel.parsing.tally import Tally

TEXTS = {str, type(None)}


def count_askers(
    tally: Tally,
    times: Sequence[int],
    statuses: Sequence[int],
    inputs: Mapping[str, Sequence[object]],
    canonical: Canonical,
) -> None:
    """Adds to `tally.keys` who asked, by `inputs`: client and ADDRESS, so far as they are there.

    Keys are made only of those who were denied or made one in ONE_IN of the requests; the others count as OTHER_KEY.
    """
    first, last = min(times) // HOUR, max(times) // HOUR
    # one number says when and with what outcome; most batches lie within an hour
    base = first * STATUSES if first == last else 0
    at = statuses if base else [time // HOUR * STATUSES + status for time, status in zip(times, statuses, strict=True)]
    everybody = Counter(at)
    hit = list(map(tally.denied.__contains__, statuses))
    told = {when: _told(base + when, tally.denied) for when in everybody}

    def count(dimension: str, keys: Sequence[Hashable], key_of: Callable[..., str | None], nobody: str | None) -> None:
        others = everybody.copy()
        counts = tally.keys
        for (asked, when), n in _named(keys, at, hit).items():
            others[when] -= n
            key = key_of(asked) or nobody
            if key is not None:
                hour, outcome = told[when]
                row = hour, dimension, key, outcome
                counts[row] = counts.get(row, 0) + n
        for when, n in (+others).items():
            hour, outcome = told[when]
            counts[hour, dimension, OTHER_KEY, outcome] += n

    if CLIENTS in inputs:
        count(CLIENTS, _texts(inputs[CLIENTS]), canonical.clean, None)
    missing = [None] * len(times)
    if canonical.proxies:
        asked = zip(*(_texts(inputs.get(name, missing)) for name in ADDRESS), strict=True)
        count(IPS, list(asked), lambda parts: canonical.address(*parts), OTHER_KEY)
    else:
        count(IPS, _texts(inputs.get(IPS, missing)), canonical.address, OTHER_KEY)


def _told(when: int, denied: frozenset[int]) -> tuple[int, int]:
    hour, status = divmod(when, STATUSES)
    return hour * HOUR, status if status in denied else status // 100


def _named(keys: Sequence[Hashable], at: Sequence[int], hit: Sequence[bool]) -> Counter[tuple[Hashable, int]]:
    """How often each key that is worth a name, or missing, stands at each of `at`."""
    least = -(-len(keys) // ONE_IN)
    worth = {key for key, n in Counter(keys).items() if n >= least}.union(compress(keys, hit), MISSING)
    return Counter(compress(zip(keys, at, strict=True), map(worth.__contains__, keys)))


def _texts(values: Sequence[object]) -> Sequence[str | None]:
    return values if TEXTS.issuperset(map(type, values)) else list(map(text, values))  # type: ignore[return-value]
