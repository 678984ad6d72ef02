"""Which kind of matter an incident is. Its rule says so (the label `kind`, see alerts/), its figures have to agree.

An incident may be taken over by another rule's key in the course of its life, and people write rules of their own:
where label and figures do not go together, it is told as a spike, which is always true.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from log_sentinel.model.spike import Dimension, Who

if TYPE_CHECKING:
    from log_sentinel.model.incident import Incident


class Matter(StrEnum):
    """What is told in words of its own. The values are those of the label `kind` where there is one."""

    SPIKE = "spike"
    SCANNER = "scanner"
    NEWCOMER = "newcomer"
    QUOTA = "quota"
    BROKEN_ROUTE = "misconfiguration"
    DISTRIBUTED = "distributed"
    SILENCE = "silence"
    LOG_SILENT = "log-silence"
    NOTICE = "notice"


QUIET = frozenset({Matter.SILENCE, Matter.LOG_SILENT})
NOTHING_DENIED = QUIET | {Matter.NOTICE}
# What a label may be said of.
DIMENSIONS = {
    Matter.SCANNER: (Dimension.IP, Dimension.NETWORK, Dimension.CLIENT),
    Matter.NEWCOMER: (Dimension.CLIENT,),
    Matter.QUOTA: (Dimension.CLIENT, Dimension.IP),
    Matter.BROKEN_ROUTE: (Dimension.ROUTE,),
    Matter.DISTRIBUTED: (Dimension.ROUTE,),
}
# Without a label: so many times fewer than usual is no spike, whatever rule found it.
FEWER_TIMES = 2


def matter_of(incident: Incident) -> Matter:
    """How `incident` is told."""
    if incident.dimension is Dimension.SELF:
        return Matter.NOTICE
    label = incident.labels.get("kind")
    if label == Matter.SILENCE or _fell_short(incident):
        return Matter.LOG_SILENT if incident.evidence.get("of") == "requests" else Matter.SILENCE
    labelled = Matter(label) if label in set(Matter) else Matter.SPIKE
    if incident.dimension in DIMENSIONS.get(labelled, ()):
        return labelled
    newcomer = incident.dimension is Dimension.CLIENT and incident.evidence.get("who") == Who.NEWCOMER
    return Matter.NEWCOMER if newcomer else Matter.SPIKE


def _fell_short(incident: Incident) -> bool:
    fewer = incident.expected is not None and incident.peak * FEWER_TIMES < incident.expected
    return fewer or "of" in incident.evidence
