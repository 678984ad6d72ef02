"""Reads the figures that came with an incident (written by `detection.evidence`).

They are JSON from a database that other versions may have written: whatever is missing or odd is left out, nothing
raises.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def tops(evidence: Mapping[str, object], name: str) -> list[tuple[str, int]]:
    """The keys and counts listed under `name` ("statuses", "causes", "clients", "ips", "routes"), largest first."""
    listed = evidence.get(name)
    pairs = [
        (str(one[0]), int(one[1]))
        for one in (listed if isinstance(listed, list | tuple) else ())
        if isinstance(one, list | tuple) and len(one) == 2 and one[0] is not None and is_number(one[1])
    ]
    return sorted(pairs, key=lambda pair: -pair[1])


def figure(evidence: Mapping[str, object], name: str) -> float | None:
    """The number under `name`."""
    value = evidence.get(name)
    return float(value) if isinstance(value, int | float) and is_number(value) else None


def distinct(evidence: Mapping[str, object], name: str) -> int:
    """How many different `name` were concerned: more than are listed, when there were more."""
    said = figure(evidence, f"{name}_distinct")
    return int(said) if said is not None else len(tops(evidence, name))


def series(evidence: Mapping[str, object], name: str) -> list[float]:
    """The counts under `name`, in order; none if one of them is no number."""
    counts = evidence.get(name)
    if not isinstance(counts, list | tuple) or not all(map(is_number, counts)):
        return []
    return [float(count) for count in counts]


def is_number(value: object) -> bool:
    """A finite number; NaN and infinity are JSON for some writers and a figure for nobody."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
