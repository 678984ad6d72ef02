from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from log_sentinel.daemon.audit import fingerprint, record_load
from log_sentinel.daemon.settings import Settings
from log_sentinel.store.tables import config_loads

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def settings(token: str = "xoxb-one", channel: str = "#alerts") -> Settings:
    return Settings.model_validate(
        {
            "instance": "edge-1",
            "sources": {"edge": {"path": "/var/log/nginx/access.log"}},
            "channels": {"ops": {"type": "slack", "token": token, "channel": channel}},
        }
    )


def test_the_settings_in_force_are_kept_without_their_secrets(database: Database) -> None:
    record_load(database, settings(), NOW)

    with database.read() as connection:
        row = connection.execute(select(config_loads)).one()
    assert (row.at, row.instance, row.details) == (NOW, "edge-1", {"sources": ["edge"], "channels": ["ops"]})
    assert "xoxb" not in str(row)


def test_the_fingerprint_changes_with_the_settings_and_not_with_their_secrets() -> None:
    assert fingerprint(settings()) == fingerprint(settings(token="xoxb-two"))
    assert fingerprint(settings()) != fingerprint(settings(channel="#other"))
