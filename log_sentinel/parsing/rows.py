"""Requests that are kept whole, on their way from a path to the canonical columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from log_sentinel.parsing.request_line import Target


@dataclass(slots=True)
class Rows:
    """Lists of equal length: what was read and checked already, then one list per input.

    `times` in milliseconds UTC. `routes` are those that the traffic counts have. `addresses` are the clients' own.
    """

    offsets: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    addresses: list[str | None] = field(default_factory=list)
    inputs: dict[str, list[object]] = field(default_factory=dict)
