"""How surprising a count is, and how surprising it must be.

The surprise of c denials where m are usual is the Chernoff bound of a quasi-Poisson tail,

    surprise = (c ln(c/m) - c + m) / dispersion

in natural units. It must exceed ln(entities x windows a week x dimensions / false alarms a week): Bonferroni on the
budget, of which every dimension has an equal part.
"""

from __future__ import annotations

import math

from log_sentinel.detection.minutes import BIN

WINDOWS_A_WEEK = 7 * 24 * 60 / BIN


def surprise(count: float, mean: float, dispersion: float) -> float:
    """How surprising `count` is where `mean` is usual; 0 where it is not more than usual."""
    mean = max(mean, 1e-9)
    if count <= mean:
        return 0.0
    return (count * math.log(count / mean) - count + mean) / dispersion


def limit(entities: int, dimensions: int, false_alarms_per_week: float) -> float:
    """The surprise that chance does not bring to one of so many entities more often than the budget allows."""
    return math.log(max(1, entities) * WINDOWS_A_WEEK * max(1, dimensions) / false_alarms_per_week)
