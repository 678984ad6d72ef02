"""A time in which nobody is told of certain incidents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Silence:
    """`matchers`: what must be equal: rule, dimension, key, severity or labels of the incident. Times are UTC."""

    matchers: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime
    who: str
    why: str
    id: int | None = None
