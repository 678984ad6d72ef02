"""Writes to standard output, flushed line by line, so that alerts are seen when they happen also through a pipe."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from log_sentinel.delivery.console.message import Lines
from log_sentinel.delivery.undeliverable import Undeliverable

if TYPE_CHECKING:
    from log_sentinel.delivery.console.settings import ConsoleSettings
    from log_sentinel.delivery.message.message import Message
    from log_sentinel.model.notification import Notification


class ConsoleChannel:
    """Standard output."""

    pace_seconds = 0.0

    def __init__(self, settings: ConsoleSettings) -> None:
        # https://no-color.org
        self._lines = Lines(settings.templates, colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))

    def send(self, _: Notification, message: Message) -> None:
        """Writes it. Raises Undeliverable when standard output is gone or full."""
        text = self._lines.text(message) + "\n\n"
        # a terminal that cannot show a character shows its number instead
        encoding = sys.stdout.encoding or "utf-8"
        try:
            sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
            sys.stdout.flush()
        except (OSError, ValueError) as why:
            raise Undeliverable("later", f"standard output takes nothing ({why})") from why

    def probe(self) -> str:
        return "standard output"

    def close(self) -> None:
        """Standard output is not ours to close."""
