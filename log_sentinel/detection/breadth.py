"""Whether it is everybody: the whole deployment's denials without those of a few loud ones.

An hourly job and a client that retries make together what looks like a general rise. What they have beyond their part
of the rise is not counted for it; whether they are worth a message themselves is judged by their own rules. Where it is
counted how many are denied, no one client or address is loud, but a route that is attacked by many is.
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
# How the others have risen is asked where at least so much of what is usual is theirs.
MOST_ARE_OTHERS = 0.4
LOUD, LOUD_OF_ASKERS = (Dimension.CLIENT, Dimension.IP), (Dimension.ROUTE,)


def of_few(found: Sequence[Candidate], rules: Sequence[Rule]) -> dict[str, float]:
    """By each entity of `found` that is a whole deployment, how many of its denials (or askers) are those of a FEW.

    That is what the loudest have beyond what they would have if they had risen as the others have.
    """
    return {
        whole.entity: max(
            _beyond(whole, found, rules, dimension)
            for dimension in (LOUD_OF_ASKERS if rules[whole.rule].counted.askers else LOUD)
        )
        for whole in found
        if rules[whole.rule].counted.dimension is Dimension.ALL
    }


def _beyond(whole: Candidate, found: Sequence[Candidate], rules: Sequence[Rule], dimension: Dimension) -> float:
    rise = max(1.0, whole.n / max(whole.mean, 1.0))
    of_each = {
        one.entity: (one.n, one.mean)
        for one in found
        if (counted := rules[one.rule].counted).dimension is dimension
        and counted.askers == rules[whole.rule].counted.askers
        and rules[one.rule].window == rules[whole.rule].window
        and one.status == whole.status
    }
    loudest = sorted(of_each.values(), key=lambda each: each[0] - each[1] * rise, reverse=True)[:FEW]
    others = whole.mean - sum(mean for _, mean in loudest)
    if others >= MOST_ARE_OTHERS * whole.mean:
        rise = min(rise, max(1.0, (whole.n - sum(n for n, _ in loudest)) / max(others, 1.0)))
    return sum(max(0.0, n - mean * rise) for n, mean in loudest)
