"""Which happening goes to which channels, and when."""

from __future__ import annotations

from collections.abc import Callable, Set
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from log_sentinel.delivery.message.evidence import tops
from log_sentinel.model.incident import HappeningKind, Incident, IncidentState
from log_sentinel.model.spike import Dimension
from log_sentinel.store.outbox import Recipient

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from log_sentinel.delivery.settings import ChannelSettings, Route
    from log_sentinel.model.incident import Happening
    from log_sentinel.model.notification import Notification

# Which services an incident concerns.
Services = Callable[[Incident], Set[str]]
SEVERAL = ("route", "service")


class Routing:
    """The routes of the settings over the channels there are."""

    def __init__(
        self,
        channels: Mapping[str, ChannelSettings],
        routes: Sequence[Route],
        services: Services = lambda _: frozenset(),
    ) -> None:
        """`services` is asked only where a route names one."""
        self._services = services
        self._channels = channels
        self._usual = [route for route in routes if route.unacknowledged_for is None]
        self._fallbacks = [one.fallback for one in channels.values() if one.fallback is not None]
        self._escalations = [route for route in routes if route.unacknowledged_for is not None]

    def recipients(
        self, happening: Happening, knowing: Set[Recipient], now: datetime, *, muted: bool = False
    ) -> list[Recipient]:
        """Everybody who is to be told, each once; `knowing`: who has heard of the incident before.

        Of an incident that is muted only the end is told, to those who know of its beginning: to them it would stay
        open for ever.
        """
        usual = self._named(self._usual, happening) if self._usual else self._channels
        told = self._at(usual, happening, now)
        further = [*self._named(self._escalations, happening), *self._fallbacks]
        if happening.kind is HappeningKind.RESOLVED:
            # its severity or labels may have been others when they were told
            further += [name for route in self._usual if "kind" not in route.match for name in route.to]
        told += [to for to in self._at(further, happening, now) if to in knowing]
        if muted:
            return [to for to in told if to in knowing and happening.kind is HappeningKind.RESOLVED]
        return list(dict.fromkeys(told))

    def instead_of(self, channel: str, happening: Happening, now: datetime) -> list[Recipient]:
        """Who is told instead while `channel` fails."""
        fallback = self._channels[channel].fallback
        return [] if fallback in (None, channel) else self._at([str(fallback)], happening, now)

    def patiences(self) -> list[timedelta]:
        """How long incidents may stay unacknowledged before somebody else is told, each once."""
        return sorted({route.unacknowledged_for for route in self._escalations if route.unacknowledged_for is not None})

    def escalated_to(self, happening: Happening, patience: timedelta, now: datetime) -> list[Recipient]:
        """Who else is told of what nobody has acknowledged for `patience`."""
        routes = [route for route in self._escalations if route.unacknowledged_for == patience]
        return self._at(self._named(routes, happening), happening, now)

    def unacknowledged(self, channel: str, told: Notification) -> timedelta | None:
        """For how long nobody has acknowledged what `channel` is told only for that; None if it is told anyway."""
        happening = told.happening
        usual = self._named(self._usual, happening) if self._usual else self._channels
        if told.opening_ref is not None or channel in usual or happening.incident.state is not IncidentState.OPEN:
            return None
        patiences = [
            route.unacknowledged_for
            for route in self._escalations
            if route.unacknowledged_for is not None
            and channel in route.to
            and matches(route.match, happening, self._services)
        ]
        waited = told.created_at - happening.incident.opened_at
        return max((patience for patience in patiences if patience <= waited), default=None)

    def _named(self, routes: Sequence[Route], happening: Happening) -> list[str]:
        return [name for route in routes if matches(route.match, happening, self._services) for name in route.to]

    def _at(self, names: Iterable[str], happening: Happening, now: datetime) -> list[Recipient]:
        return [
            Recipient(name, recipient, self._channels[name].not_before(happening, now))
            for name in dict.fromkeys(names)
            if name in self._channels
            for recipient in self._channels[name].recipients()
        ]


def matches(match: Mapping[str, str], happening: Happening, services: Services = lambda _: frozenset()) -> bool:
    """Whether the happening has every value that `match` asks for; of `route` and `service`, of which an incident may
    concern several, whether one is like it (`*` stands for anything).
    """
    # the services are read from the database: they are asked for last
    return all(
        any(fnmatchcase(one, match[key]) for one in _several(key, happening, services))
        if key in SEVERAL
        else _value(key, happening) == match[key]
        for key in sorted(match, key=SEVERAL.__contains__)
    )


def _several(key: str, happening: Happening, services: Services) -> Iterable[str]:
    incident = happening.incident
    if key == "service":
        return services(incident)
    own = [incident.key] if incident.dimension is Dimension.ROUTE else []
    return [*own, *(route for route, _ in tops(incident.evidence, "routes"))]


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
