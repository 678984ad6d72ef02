"""What people set about delivery: `[channels.NAME]` and `[[routing]]`."""

from __future__ import annotations

from datetime import time, timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from log_sentinel.config.durations import Duration
from log_sentinel.config.section import Section
from log_sentinel.config.zones import Zone
from log_sentinel.delivery.channels import CHANNELS, AnyChannelSettings
from log_sentinel.model.incident import HappeningKind
from log_sentinel.model.spike import Dimension, Severity

if TYPE_CHECKING:
    ChannelSettings = AnyChannelSettings
else:
    ChannelSettings = Annotated[reduce(or_, (kind.settings for kind in CHANNELS)), Field(discriminator="type")]

Matched = Literal["severity", "kind", "dimension", "rule"]
VALUES = {
    "severity": tuple(Severity),
    "kind": tuple(HappeningKind),
    "dimension": tuple(Dimension),
}


class Route(Section):
    """One `[[routing]]`: a happening that has every value of `match` goes to the channels of `to`.

    Keys of `match`: severity, kind, dimension, rule, route, service, or `label.NAME` for a label of the rule. Every
    `[[routing]]` that matches counts; a happening none matches goes nowhere. Without any every channel gets everything.

    With `unacknowledged_for` it is an escalation: those of `to` are told only when nobody has acknowledged the incident
    for so long, and hear of it from then on.
    """

    match: dict[str, str] = Field(default_factory=dict)
    unacknowledged_for: Duration | None = None
    to: Annotated[list[str], Field(min_length=1)]

    @field_validator("match")
    @classmethod
    def _known(cls, match: dict[str, str]) -> dict[str, str]:
        for key, value in match.items():
            if key in VALUES and value not in VALUES[key]:
                raise ValueError(f"{key}: one of {', '.join(VALUES[key])} is allowed")
            if key not in (*VALUES, "rule", "route", "service") and not key.startswith("label."):
                raise ValueError("allowed are severity, kind, dimension, rule, route, service and label.NAME")
        return match


class HeartbeatSettings(Section):
    """`[heartbeat]`: where the sign of life is posted, and how often; when the daily report is told over the channels.

    The URL is a secret: who has it can fake life.
    """

    url: SecretStr | None = None
    every: Duration = Field(default=timedelta(minutes=1))
    daily_at: time | None = None
    zone: Zone = "UTC"

    @model_validator(mode="after")
    def _is_a_url(self) -> Self:
        if self.url is not None and not self.url.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("url is no URL; it begins with https://")
        if self.url is None and self.daily_at is None:
            raise ValueError("set url, daily_at or both")
        return self


def unknown_channels(channels: dict[str, ChannelSettings], routing: list[Route]) -> list[tuple[int, str]]:
    """The routes (by position) and the channels they name that are not set up."""
    return [(at, name) for at, route in enumerate(routing) for name in route.to if name not in channels]


def unknown_fallbacks(channels: dict[str, ChannelSettings]) -> list[tuple[str, str]]:
    """The channels and the fallbacks they name that are not set up, or are themselves."""
    named = [(name, channel.fallback) for name, channel in channels.items() if channel.fallback is not None]
    return [(name, fallback) for name, fallback in named if fallback not in channels or fallback == name]
