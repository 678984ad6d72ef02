"""What people set about detection."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from log_sentinel.config.durations import Duration
from log_sentinel.config.section import Section


class DetectionSettings(Section):
    """`[detection]`.

    `rules` are globs of rule files, relative ones beside the settings file; the shipped rules when unset.
    `false_alarms_per_week` is the budget of the whole deployment: rules of kind "spike" set their thresholds by it.
    `learn_from` is how much stored history a first start learns from.
    """

    every: Duration = Field(default=timedelta(seconds=10), description="how often closed minutes are looked for")
    false_alarms_per_week: float = Field(default=1.0, gt=0, le=1000, description="for the whole deployment")
    rules: tuple[str, ...] | None = Field(default=None, description="globs of rule files; the shipped ones when unset")
    learn_from: Duration = Field(default=timedelta(days=2), description="stored history a first start learns from")
