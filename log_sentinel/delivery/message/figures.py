"""The numbers of an incident, each with what is usual beside it where that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.delivery.message import notices, past
from log_sentinel.delivery.message.evidence import distinct, figure, tops
from log_sentinel.delivery.message.matters import QUIET, Matter, matter_of
from log_sentinel.delivery.message.message import Figure
from log_sentinel.delivery.message.phrases import denied_share, lasted
from log_sentinel.delivery.message.text import Phrase, counted, joined, number, phrase, quoted
from log_sentinel.delivery.message.traits import trait_of
from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_sentinel.model.incident import Incident

TOP_SHOWN = 5
OTHERS = (
    (Dimension.CLIENT, "clients", "Clients"),
    (Dimension.IP, "ips", "Addresses"),
    (Dimension.ROUTE, "routes", "Routes"),
)


def figures_of(incident: Incident, samples: Sequence[Mapping[str, object]] = ()) -> tuple[Figure, ...]:
    """At most eight figures, the ones that say most first. `samples`: some of its denied requests (`denials`)."""
    if matter_of(incident) is Matter.NOTICE:
        return notices.figures(incident)
    if matter_of(incident) in QUIET:
        return (_now(incident), Figure("Silent for", phrase(lasted(incident))))
    tops_of_others = (
        _top(incident, name, label) for dimension, name, label in OTHERS if incident.dimension is not dimension
    )
    found = (
        _now(incident),
        _share(incident),
        _statuses(incident),
        _in_all(incident),
        past.figure_of(incident),
        *tops_of_others,
        trait_of(incident, samples),
    )
    return tuple(one for one in found if one is not None)


def _now(incident: Incident) -> Figure:
    usual = "no usual level yet" if incident.expected is None else f"usual {number(round(incident.expected, 1))}"
    label = "Requests" if matter_of(incident) is Matter.LOG_SILENT else "Denials"
    return Figure(label, phrase(number(incident.observed), f" in {incident.window_minutes} min ({usual})"))


def _in_all(incident: Incident) -> Figure:
    worst = f"at worst {number(incident.peak)} in {incident.window_minutes} min"
    return Figure("In all", phrase(f"{counted(incident.total, 'denial')}, {worst}"))


def _share(incident: Incident) -> Figure | None:
    share, requests = denied_share(incident), figure(incident.evidence, "requests")
    if share is None or requests is None:
        return None
    return Figure("Denied share", phrase(f"{share:.1%} of {number(requests)} requests"))


def _statuses(incident: Incident) -> Figure | None:
    found = tops(incident.evidence, "statuses")
    return Figure("Status", _listed(found)) if found else None


def _top(incident: Incident, name: str, label: str) -> Figure | None:
    found = tops(incident.evidence, name)
    if not found:
        return None
    listed = _listed(found)
    others = distinct(incident.evidence, name) - min(len(found), TOP_SHOWN)
    return Figure(label, phrase(listed, f", {number(others)} more" if others > 0 else ""))


def _listed(counts: list[tuple[str, int]]) -> Phrase:
    return joined([phrase(quoted(key, 60), f" ({number(n)})") for key, n in counts[:TOP_SHOWN]])
