"""Whether it is everybody: the whole deployment's denials without those of a few loud ones.

An hourly job and a client that retries make together what looks like a general rise. What they have beyond their part
of the rise is not counted for it; whether they are worth a message themselves is judged by their own rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_sentinel.detection.candidates import Candidate
    from log_sentinel.detection.rule import Rule

# So many of one dimension are few.
FEW = 3
LOUD = (Dimension.CLIENT, Dimension.IP)


def of_few(found: Sequence[Candidate], rules: Sequence[Rule]) -> dict[str, float]:
    """By each entity of `found` that is a whole deployment, how many of its denials are those of a FEW clients or
    addresses: what the loudest of them have beyond what they would have if they had risen as the whole has.
    """
    return {
        whole.entity: max(_beyond(whole, found, rules, dimension) for dimension in LOUD)
        for whole in found
        if rules[whole.rule].counted.dimension is Dimension.ALL
    }


def _beyond(whole: Candidate, found: Sequence[Candidate], rules: Sequence[Rule], dimension: Dimension) -> float:
    rise = max(1.0, whole.n / max(whole.mean, 1.0))
    of_each = {
        one.entity: one.n - one.mean * rise
        for one in found
        if rules[one.rule].counted.dimension is dimension
        and rules[one.rule].window == rules[whole.rule].window
        and one.status == whole.status
    }
    return sum(sorted((n for n in of_each.values() if n > 0), reverse=True)[:FEW])
