"""One cause, one incident: which of the spikes of a minute are seen in another one.

A client that is denied from five addresses on one route is three spikes and one matter. Spike j explains spike k
when at least half of what k has too much are denials of j. When that holds both ways the more specific one is the
cause: a client before an address, an address before a network, a route, and any of them before a client on a route. Of
two rules that say something of the same key, one may yield to the other. The whole deployment's spike belongs to the
one that makes half of it, or to the largest of a few that make most of it; otherwise it is a general rise, and the
small ones belong to it. What is explained by nothing is a root; every other spike belongs to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from log_sentinel.model.spike import Dimension, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_sentinel.model.spike import Spike

# The most specific first. A client's denials on one route name the matter only where neither of them does.
SPECIFIC = (
    Dimension.CLIENT,
    Dimension.IP,
    Dimension.NETWORK,
    Dimension.ROUTE,
    Dimension.ROUTE_CLIENT,
    Dimension.SOURCE,
    Dimension.ALL,
)
SEVERITIES = (Severity.INFO, Severity.WARNING, Severity.CRITICAL)

# Of whose denials one alone has many: they explain nothing that was found by how many are denied.
ONE_ASKER = (Dimension.CLIENT, Dimension.IP, Dimension.ROUTE_CLIENT)

HALF = 0.5
# The whole deployment's spike is a general rise unless one other makes so much of it, or the largest few of one
# dimension do. The requests of many clients meet on few routes anyway: of routes it takes more.
FEW = 3
ONE_MAKES, FEW_MAKE = {Dimension.ROUTE: 0.5}, {Dimension.ROUTE: 0.8}
ONE_MAKES_OF_OTHERS, FEW_MAKE_OF_OTHERS = 0.4, 0.6
# What makes more than this of a general rise is a matter of its own beside it.
LARGE_PART = {Dimension.ROUTE: 0.5, Dimension.SOURCE: 1.0}
LARGE_PART_OF_OTHERS = 0.15
# What begins so long after the rise, with so many times its share and so large a part, is a matter of its own.
LATE, MORE_THAN_ITS_SHARE, LARGE_LATE_PART = timedelta(minutes=10), 4.0, 0.05


@dataclass(frozen=True, slots=True)
class Group:
    """A root and the spikes that are the same denials, the largest first."""

    root: Spike
    members: tuple[Spike, ...] = ()


def groups(spikes: Sequence[Spike]) -> list[Group]:
    """Every spike once, as a root or as a member; the group with the largest root first.

    Reads `shared` of a spike's evidence: [dimension, key, denials], the denials it has in common with the others.
    """
    ordered = sorted(spikes, key=_weight)
    cause: dict[int, int] = {}
    for k, spike in enumerate(ordered):
        explaining = [j for j, other in enumerate(ordered) if j != k and _explains(other, spike)]
        # a chain of causes never turns back on itself: what has no cause yet stays a root
        free = [j for j in explaining if _root(j, cause) != k]
        if free:
            cause[k] = free[0]
    # from the roots on: what belongs to one that is set apart goes with it
    for k in sorted(cause, key=lambda k: len(_causes(k, cause))):
        if not _is_of_its_root(k, ordered, cause):
            del cause[k]
    for k, spike in enumerate(ordered):
        if spike.dimension is Dimension.ALL and k not in cause:
            _weigh_whole(k, ordered, cause)
    members: dict[int, list[Spike]] = {}
    for k in cause:
        members.setdefault(_root(k, cause), []).append(ordered[k])
    roots = [k for k in range(len(ordered)) if k not in cause]
    found = [
        Group(ordered[k], tuple(sorted(members.get(k, ()), key=lambda spike: (-spike.observed, spike.key))))
        for k in roots
    ]
    return sorted(found, key=lambda group: (-excess_of(group.root), _weight(group.root)))


def _weight(spike: Spike) -> tuple[int, int, float, str, str]:
    """Order of preference as a cause."""
    return (
        SPECIFIC.index(spike.dimension),
        -SEVERITIES.index(spike.severity),
        -excess_of(spike),
        spike.rule,
        spike.key,
    )


def _explains(j: Spike, k: Spike) -> bool:
    if (j.dimension, j.key) == (k.dimension, k.key):
        if k.rule in j.yields_to or j.rule in k.yields_to:
            return j.rule in k.yields_to
        return _weight(j) < _weight(k)
    of_k = _shared(k, j)
    if of_k == 0 or of_k < HALF * excess_of(k):
        return False
    if Dimension.ALL in (j.dimension, k.dimension) or (k.of_many and j.dimension in ONE_ASKER):
        return False
    mutual = _shared(j, k) >= HALF * excess_of(j)
    return not mutual or _weight(j) < _weight(k)


def _is_of_its_root(k: int, ordered: Sequence[Spike], cause: Mapping[int, int]) -> bool:
    """Whether `k` is seen in its root, too, and not only in what both of them are seen in: two clients on one route."""
    root = _root(k, cause)
    spike, direct = ordered[k], ordered[cause[k]]
    return (
        root == cause[k]
        or (direct.dimension, direct.key) == (spike.dimension, spike.key)
        or _shared(spike, ordered[root]) >= HALF * excess_of(spike)
    )


def _weigh_whole(whole: int, ordered: Sequence[Spike], cause: dict[int, int]) -> None:
    """The whole deployment's spike: the sum of a few others, or a general rise of which others are small parts."""
    spike = ordered[whole]
    free = [k for k in range(len(ordered)) if k != whole and k not in cause]
    parts = sorted(
        ((min(_shared(spike, ordered[k]), excess_of(ordered[k])), k) for k in free),
        key=lambda part: (-part[0], part[1]),
    )
    excess = excess_of(spike)
    alike: dict[Dimension, list[float]] = {}
    for n, k in parts:
        alike.setdefault(ordered[k].dimension, []).append(n)
    if spike.of_many:
        # what one of them has besides is a matter of its own, and no measure for the small ones
        largest = max((alike[dimension][0] for dimension in ONE_ASKER if dimension in alike), default=0.0)
        excess -= largest if largest >= ONE_MAKES_OF_OTHERS * excess else 0.0
    elif any(
        of[0] >= ONE_MAKES.get(dimension, ONE_MAKES_OF_OTHERS) * excess
        or sum(of[:FEW]) >= FEW_MAKE.get(dimension, FEW_MAKE_OF_OTHERS) * excess
        for dimension, of in alike.items()
    ):
        cause[whole] = parts[0][1]
        return
    cause.update({k: whole for n, k in parts if n > 0 and _is_small_part(ordered[k], n, spike, excess)})


def _is_small_part(spike: Spike, n: float, whole: Spike, excess: float) -> bool:
    """Whether `n` of the rise's `excess` are so few that `spike` is no matter of its own.

    What began long after the rise did is one from so many on as are far more than its share: that of what is usual, or
    an equal one.
    """
    if n > part_of_rise(spike) * excess:
        return False
    if spike.since - whole.since < LATE:
        return True
    distinct = cast("int", whole.evidence.get(f"{spike.dimension.value}s_distinct", 0))
    share = max((spike.expected or 0.0) / max(1.0, whole.expected or 0.0), 1 / max(1, distinct))
    return n <= max(LARGE_LATE_PART, MORE_THAN_ITS_SHARE * share) * excess


def part_of_rise(spike: Spike) -> float:
    """How large a part of a general rise `spike` may be without being a matter of its own."""
    return LARGE_PART.get(spike.dimension, LARGE_PART_OF_OTHERS)


def excess_of(spike: Spike) -> float:
    """How many denials are too many."""
    return max(1.0, spike.observed - (spike.expected or 0.0))


def _shared(of: Spike, other: Spike) -> int:
    listed = cast("Sequence[tuple[str, str, int]]", of.evidence.get("shared", ()))
    return next((n for dimension, key, n in listed if dimension == other.dimension and key == other.key), 0)


def _root(k: int, cause: Mapping[int, int]) -> int:
    return [k, *_causes(k, cause)][-1]


def _causes(k: int, cause: Mapping[int, int]) -> list[int]:
    """What explains `k`, what explains that, and so on to the root."""
    found = []
    while k in cause:
        k = cause[k]
        found.append(k)
    return found
