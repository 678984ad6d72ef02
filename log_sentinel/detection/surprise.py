"""How surprising a count is, and how surprising it must be.

Denials come in clusters, and the rate they come at drifts from hour to hour. The surprise of c denials where m are
usual is the Chernoff bound of the tail of a negative binomial of clusters: with c and m in units of the `dispersion`
that the clusters make, and k = 1 / `drift`, the inverse of the variance of the rate over the square of its mean,

    surprise = c ln(c/m) - (c + k) ln((c + k) / (m + k))

in natural units. Without drift that is c ln(c/m) - c + m, a Poisson tail; with it, ten times the usual of somebody busy
is far less surprising. It must exceed ln(entities x windows a week x dimensions / false alarms a week): Bonferroni on
the budget, of which every dimension has an equal part.
"""

from __future__ import annotations

import math

from log_sentinel.detection.minutes import BIN

WINDOWS_A_WEEK = 7 * 24 * 60 / BIN


def surprise(count: float, mean: float, dispersion: float, drift: float = 0.0) -> float:
    """How surprising `count` is where `mean` is usual; 0 where it is not more than usual."""
    mean = max(mean, 1e-9)
    if count <= mean:
        return 0.0
    c, m = count / dispersion, mean / dispersion
    if drift <= 0.0:
        return c * math.log(c / m) - c + m
    k = 1.0 / drift
    return max(0.0, c * math.log(c / m) - (c + k) * math.log((c + k) / (m + k)))


def limit(entities: int, dimensions: int, false_alarms_per_week: float) -> float:
    """The surprise that chance does not bring to one of so many entities more often than the budget allows."""
    return math.log(max(1, entities) * WINDOWS_A_WEEK * max(1, dimensions) / false_alarms_per_week)
