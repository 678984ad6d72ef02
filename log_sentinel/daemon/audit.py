"""Keeps in the database which settings the daemon runs on, without their secrets."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from log_sentinel import __version__
from log_sentinel.store import config_loads

if TYPE_CHECKING:
    from datetime import datetime

    from log_sentinel.daemon.settings import Settings
    from log_sentinel.store.engine import Database


def fingerprint(settings: Settings) -> str:
    """The same for the same settings, whatever their secrets: 16 hex digits."""
    # secrets are written as asterisks
    return hashlib.blake2b(settings.model_dump_json().encode(), digest_size=8).hexdigest()


def record_load(database: Database, settings: Settings, now: datetime) -> None:
    """Says in `config_loads` that these settings are in force from `now` (UTC) on."""
    config_loads.record(
        database,
        instance=settings.instance,
        version=__version__,
        fingerprint=fingerprint(settings),
        outcome="started",
        details={"sources": sorted(settings.sources), "channels": sorted(settings.channels)},
        now=now,
    )
