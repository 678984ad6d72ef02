"""What a parser makes of a batch of lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class ParsedLines:
    """Frames from one batch of one generation; their columns are written down in `model.columns`.

    denials: DENIALS, then any number of evidence columns named `x.NAME` (String) that only the diagnosis reads.
    candidates: the same columns; rows whose status a companion line may yet prove to be a denial.
    traffic: TRAFFIC. activity: ACTIVITY. companions: COMPANIONS. rejects: REJECTS, a bounded sample.
    reject_counts: how many lines were rejected, by reason. lines: how many lines there were, blank ones left out.
    """

    denials: pl.DataFrame
    candidates: pl.DataFrame
    traffic: pl.DataFrame
    activity: pl.DataFrame
    companions: pl.DataFrame
    rejects: pl.DataFrame
    reject_counts: dict[str, int]
    lines: int
