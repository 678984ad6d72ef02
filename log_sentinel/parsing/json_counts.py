"""Who asked how often, of many requests as JSON is decoded to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.model.columns import OTHER_KEY
from log_sentinel.parsing.askers import Askers
from log_sentinel.parsing.bulk_activity import ADDRESS, CLIENTS, IPS
from log_sentinel.parsing.json_paths import MISSING
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
    """Adds to `tally.keys` who asked, by `inputs`: client and ADDRESS, so far as they are there."""
    askers = Askers(times, statuses, tally.denied)

    def count(dimension: str, keys: Sequence[Hashable], key_of: Callable[..., str | None], nobody: str | None) -> None:
        askers.count(tally.keys, dimension, keys, key_of, nobody, MISSING)

    if CLIENTS in inputs:
        count(CLIENTS, _texts(inputs[CLIENTS]), canonical.clean, None)
    missing = [None] * len(times)
    if canonical.proxies:
        asked = zip(*(_texts(inputs.get(name, missing)) for name in ADDRESS), strict=True)
        count(IPS, list(asked), lambda parts: canonical.address(*parts), OTHER_KEY)
    else:
        count(IPS, _texts(inputs.get(IPS, missing)), canonical.address, OTHER_KEY)


def _texts(values: Sequence[object]) -> Sequence[str | None]:
    return values if TEXTS.issuperset(map(type, values)) else list(map(text, values))  # type: ignore[return-value]
