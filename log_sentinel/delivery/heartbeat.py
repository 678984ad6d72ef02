"""A sign of life to a dead man's switch (healthchecks.io, Alertmanager ...): when it stops, somebody else alerts.

It is sent only while the daemon does its work, so that silence from here is never taken for health.
"""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING

import structlog

from log_sentinel.delivery import http
from log_sentinel.delivery.undeliverable import Undeliverable

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic import SecretStr

log = structlog.get_logger(__name__)

SECONDS = 10.0


class Heartbeat:
    """Posts the sign of life. `failing`: why the last one did not arrive, None if it did."""

    def __init__(self, url: SecretStr, instance: str) -> None:
        self.failing: str | None = None
        self._url = url
        self._instance = instance

    def beat(self, now: datetime) -> bool:
        """Gives whether it arrived. A failure is logged once, until it passes; nothing is raised."""
        body = json.dumps({"instance": self._instance, "at": now.astimezone(UTC).isoformat(timespec="seconds")})
        try:
            answer = http.post(
                self._url.get_secret_value(), body.encode(), {"Content-Type": "application/json"}, seconds=SECONDS
            )
            why = None if 200 <= answer.status < 300 else f"answered {answer.status}"
        except Undeliverable as refused:
            why = refused.reason
        if why is not None and self.failing is None:
            log.warning("heartbeat does not arrive", reason=why)
        self.failing = why
        return why is None
