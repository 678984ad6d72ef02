"""Owner of `config_loads`: which settings were in force when, for whoever asks later why something was (not) told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert

from log_sentinel.store.tables import config_loads

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from log_sentinel.store.engine import Database


def record(
    db: Database,
    *,
    instance: str,
    version: str,
    fingerprint: str,
    outcome: str,
    details: Mapping[str, object],
    now: datetime,
) -> None:
    """One load of settings: `outcome` is what became of it; `details` hold no secret. `now` in UTC."""
    row = {"at": now, "instance": instance, "version": version, "fingerprint": fingerprint}
    with db.write() as connection:
        connection.execute(insert(config_loads), {**row, "outcome": outcome, "details": dict(details)})
