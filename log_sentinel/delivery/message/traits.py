"""What many addresses have in common: by that they can be limited all at once, where none of them is large."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from log_sentinel.delivery.message.evidence import distinct, tops
from log_sentinel.delivery.message.message import Figure
from log_sentinel.delivery.message.text import Phrase, joined, phrase, quoted
from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_sentinel.model.incident import Incident

MANY, MOST = 10, 0.5
# Fewer requests than this show no user agent that they share.
FEWEST_SAMPLES = 5
COUNTED = ((Dimension.NETWORK, "networks", "network "), (Dimension.ROUTE, "routes", "route "))


def trait_of(incident: Incident, samples: Sequence[Mapping[str, object]]) -> Figure | None:
    """The network, route and user agent that most denials of an incident with many addresses have, if any.

    `samples`: its newest denied requests, as rows of `denials`; counts do not know user agents.
    """
    if distinct(incident.evidence, "ips") < MANY:
        return None
    shared: list[Phrase] = []
    for dimension, name, noun in COUNTED:
        largest = tops(incident.evidence, name)[:1] if incident.dimension is not dimension else []
        shared += [
            phrase(noun, quoted(key, 60), f" ({n / incident.observed:.0%})")
            for key, n in largest
            if n >= MOST * max(1, incident.observed)
        ]
    agents = Counter(str(row["user_agent"]) for row in samples if row.get("user_agent"))
    shared += [
        phrase("user agent ", quoted(agent, 60), f" ({n} of the last {len(samples)})")
        for agent, n in agents.most_common(1)
        if len(samples) >= FEWEST_SAMPLES and n >= MOST * len(samples)
    ]
    return Figure("In common", joined(shared, last=" and ")) if shared else None
