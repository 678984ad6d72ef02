"""Whom a replay would have told what: its happenings through the channels and routes of the settings."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from log_sentinel.delivery.routing import Routing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_sentinel.backtest.replay import Replay
    from log_sentinel.delivery.settings import ChannelSettings, Route
    from log_sentinel.store.outbox import Recipient


class Told:
    """Messages of one replay, counted as if each happening were told by itself.

    Quiet hours, digests and `collapse_after` put several into one message; people would have had that many at most.
    Nobody acknowledges anything in a replay, and no channel fails.
    """

    def __init__(self, replay: Replay, channels: Mapping[str, ChannelSettings], routes: Sequence[Route]) -> None:
        self.by_channel: Counter[str] = Counter(dict.fromkeys(channels, 0))
        self.by_rule: Counter[str] = Counter()
        routing = Routing(channels, routes)
        # an incident may be told under another name later on: it counts for the rule it is of in the end
        rule_of = {incident.id: incident.rule for incident in replay.incidents}
        heard: dict[int | None, set[Recipient]] = {}
        for happening in replay.happenings:
            knowing = heard.setdefault(happening.incident.id, set())
            recipients = routing.recipients(happening, knowing, happening.at)
            knowing.update(recipients)
            self.by_channel.update(one.channel for one in recipients)
            self.by_rule[rule_of[happening.incident.id]] += len(recipients)

    @property
    def messages(self) -> int:
        return self.by_channel.total()
