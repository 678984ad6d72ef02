"""What the store knows around an incident: some of its denied requests, the verdict most of them share, its course."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from log_sentinel.daemon.course import course_of
from log_sentinel.daemon.past import past_of
from log_sentinel.delivery.message.composing import NOTHING_KNOWN, Background
from log_sentinel.model.incident import columns_of
from log_sentinel.model.spike import Dimension
from log_sentinel.store.readers import sample_denials

if TYPE_CHECKING:
    import polars as pl

    from log_sentinel.model.incident import Incident
    from log_sentinel.store.engine import Database

Row = dict[str, object]

# Enough to tell which verdict prevails, few enough to read at every message.
LOOKED_AT = 500
MINUTE = timedelta(minutes=1)


def around(database: Database, incident: Incident) -> Background:
    """The newest denied requests of `incident`, their prevailing verdict, its last hours and what was before.

    Raises StoreError.
    """
    if incident.dimension is Dimension.SELF:
        return NOTHING_KNOWN
    rows = _denied(database, incident).to_dicts()
    return Background(
        samples=rows,
        finding=prevailing(rows),
        course=course_of(database, incident),
        known=past_of(database, incident),
    )


def services_of(database: Database, incident: Incident) -> frozenset[str]:
    """The services that its newest denied requests were for, as far as the log names them. Raises StoreError."""
    if incident.dimension is Dimension.SELF:
        return frozenset()
    return frozenset(_denied(database, incident)["service"].drop_nulls())


def _denied(database: Database, incident: Incident) -> pl.DataFrame:
    until = (incident.resolved_at or incident.last_seen_at) + MINUTE
    return sample_denials(database, incident.since, until, columns_of(incident), LOOKED_AT)


def prevailing(rows: list[Row]) -> dict[str, object]:
    """The verdict that most of `rows` (of `denials`) share, as a `Finding` in JSON; {} without rows.

    Its confidence is the mean of theirs, times the share of the rows that have this verdict: where causes are mixed,
    none is sure.
    """
    if not rows:
        return {}
    verdicts = Counter((str(row["cause"]), str(row["denied_by"])) for row in rows)
    (cause, denied_by), _ = verdicts.most_common(1)[0]
    sharing = [row for row in rows if (row["cause"], row["denied_by"]) == (cause, denied_by)]
    sure = sum(float(str(row["cause_confidence"])) for row in sharing) / len(rows)
    others = Counter(str(row["cause"]) for row in rows if row["cause"] != cause)
    first = sharing[0]
    return {
        "cause": cause,
        "denied_by": denied_by,
        "confidence": round(sure, 2),
        "alternatives": [[other, round(n / len(rows), 2)] for other, n in others.most_common(2)]
        or _decoded(first["cause_alternatives"]),
        "evidence": _decoded(first["evidence"]),
    }


def _decoded(stored: object) -> object:
    return msgspec.json.decode(stored) if isinstance(stored, str) else []
