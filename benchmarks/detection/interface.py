"""What a detector must look like to be measured: `module:factory`, a callable without arguments that gives one.

Every minute of event time the bench calls `tick(minute, denied, traffic)`, in order, minutes without rows too.
`denied` has the columns of `log_sentinel.model.columns.DENIED_MINUTES`: minute (UTC), source, client (null: anonymous),
ip, route, status, cause, n. `traffic` has those of TRAFFIC: minute, route, status, n, all requests of the minute. The
detector gives back what it would tell people at the end of that minute.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    import polars as pl


@dataclass(frozen=True, slots=True)
class Told:
    """An incident opened, was told under another name or grew (updated), or ended (resolved).

    `incident`: whatever tells the incident apart. `dimension`: all, client, ip, network or route; `key`: its value.
    """

    kind: Literal["opened", "updated", "resolved"]
    incident: object
    dimension: str
    key: str


class Detector(Protocol):
    def tick(self, minute: datetime, denied: pl.DataFrame, traffic: pl.DataFrame) -> Sequence[Told]: ...


def detector_named(name: str) -> Callable[[], Detector]:
    """The factory that `module:factory` names. Raises ValueError when there is none."""
    module, _, factory = name.partition(":")
    try:
        return cast("Callable[[], Detector]", getattr(importlib.import_module(module), factory))
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{name}: {error}; a detector is named module:factory.") from error
