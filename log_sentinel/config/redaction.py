"""Takes secrets out of text that people will see: known ones by their value, others by their shape."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "***"
# Shorter values would blank out ordinary words ("a", "test") wherever they occur; whoever uses one has no secret.
SHORTEST = 5

# Slack's token prefixes: https://api.slack.com/concepts/token-types; a webhook's path is its secret:
# https://api.slack.com/messaging/webhooks.
SHAPES = (
    (re.compile(r"\bx(?:ox[a-z]|app)-[A-Za-z0-9-]{6,}"), MASK),
    (re.compile(r"(https?://hooks\.slack(?:-gov)?\.com/)[^\s\"'<>]+"), rf"\1{MASK}"),
    # user:password@host in any URL; the password may hold everything but blanks and the last "@" ends it
    (re.compile(r"\b([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s/]+@"), rf"\1:{MASK}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
    # a libpq connection string
    (re.compile(r"(?i)\b(password\s*=\s*)('[^']*'|[^\s,;)\"']+)"), rf"\1{MASK}"),
)


class Redaction:
    """Masks the given secrets and everything that has the shape of one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(re.escape(secret) for secret in known)) if known else None

    def known(self, text: str) -> str:
        """Masks the given secrets alone: for our own words, whose examples have the shapes."""
        return self._known.sub(MASK, text) if self._known is not None else text

    def __call__(self, text: str) -> str:
        text = self.known(text)
        for shape, masked in SHAPES:
            text = shape.sub(masked, text)
        return text
