"""Which happening goes to which channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.store.outbox import Recipient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from log_sentinel.delivery.settings import ChannelSettings, Route
    from log_sentinel.model.incident import Happening


def router(channels: Mapping[str, ChannelSettings], routing: Sequence[Route]) -> Callable[[Happening], list[Recipient]]:
    """Gives for a happening everybody who is to be told, each once."""

    def route(happening: Happening) -> list[Recipient]:
        names = (
            dict.fromkeys(name for one in routing if matches(one.match, happening) for name in one.to)
            if routing
            else channels
        )
        return [
            Recipient(name, recipient)
            for name in names
            if name in channels
            for recipient in channels[name].recipients()
        ]

    return route


def matches(match: Mapping[str, str], happening: Happening) -> bool:
    """Whether the happening has every value that `match` asks for."""
    return all(_value(key, happening) == value for key, value in match.items())


def _value(key: str, happening: Happening) -> str | None:
    incident = happening.incident
    if key.startswith("label."):
        return incident.labels.get(key.removeprefix("label."))
    return {
        "severity": incident.severity.value,
        "kind": happening.kind.value,
        "dimension": incident.dimension.value,
        "rule": incident.rule,
    }.get(key)
