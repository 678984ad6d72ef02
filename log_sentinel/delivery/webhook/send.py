"""Posts JSON. Any 2xx is a yes; 408, 425, 429 and 5xx are tried again; other 4xx need a person.

`Idempotency-Key` is the same for every attempt at one message. With `hmac` the body is signed: the header
`X-Log-Sentinel-Signature: t=SECONDS,v1=HEX` holds HMAC-SHA-256 over `SECONDS.BODY`.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from log_sentinel.delivery import http
from log_sentinel.delivery.undeliverable import Undeliverable
from log_sentinel.delivery.webhook.message import Documents

if TYPE_CHECKING:
    from log_sentinel.delivery.message.message import Message
    from log_sentinel.delivery.webhook.settings import WebhookSettings
    from log_sentinel.model.notification import Notification

# https://www.rfc-editor.org/rfc/rfc9110#section-15.5, RFC 8470 (425), RFC 6585 (429)
LATER = frozenset({408, 425, 429})
# The body is what is refused: no other body of ours is concerned.
NEVER = frozenset({400, 413, 422})


class WebhookChannel:
    """One URL."""

    pace_seconds = 0.0

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._documents = Documents(settings.templates)
        self._host = urlsplit(settings.url.get_secret_value()).hostname or ""

    def send(self, notification: Notification, message: Message) -> None:
        """Posts it. Raises Undeliverable."""
        now = datetime.now(UTC)
        payload = self._documents.body(notification, message)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Idempotency-Key": message.key,
            **self._credentials(payload, int(now.timestamp())),
        }
        seconds = self._settings.timeout.total_seconds()
        answer = http.post(self._settings.url.get_secret_value(), payload, headers, seconds=seconds)
        if not 200 <= answer.status < 300:
            raise self._refused(answer, now)

    def probe(self) -> str:
        """Nothing can be known of a webhook without posting to it; that its host answers can."""
        http.reach(self._settings.url.get_secret_value(), seconds=self._settings.timeout.total_seconds())
        return self._host

    def close(self) -> None:
        """Holds nothing open."""

    def _credentials(self, payload: bytes, seconds: int) -> dict[str, str]:
        headers = {}
        if self._settings.bearer is not None:
            headers["Authorization"] = f"Bearer {self._settings.bearer.get_secret_value()}"
        if self._settings.hmac is not None:
            key = self._settings.hmac.get_secret_value().encode()
            signature = hmac.new(key, f"{seconds}.".encode() + payload, hashlib.sha256).hexdigest()
            headers["X-Log-Sentinel-Signature"] = f"t={seconds},v1={signature}"
        return headers

    def _refused(self, answer: http.Answer, now: datetime) -> Undeliverable:
        said = f"{self._host} answered {answer.status}"
        after = http.asked_to_wait(answer, now)
        if answer.status in LATER or answer.status >= 500:
            return Undeliverable("later", said, after, unclear=answer.status >= 500)
        if answer.status in NEVER:
            return Undeliverable("never", f"{said}: it does not take this message")
        if 300 <= answer.status < 400:
            return Undeliverable("when_fixed", f"{said}, a redirect, which is not followed. Set url to where it leads.")
        return Undeliverable("when_fixed", f"{said}. Check url, and the credentials it wants.")
