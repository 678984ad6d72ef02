"""A message as lines of text for a terminal or a file. Values from a log are clean: no sequence of theirs reaches a
terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.delivery.message.templates import Templates
from log_sentinel.model.incident import HappeningKind, IncidentState
from log_sentinel.model.spike import Severity

if TYPE_CHECKING:
    from pathlib import Path

    from log_sentinel.delivery.message.message import Message

# ANSI colours (ECMA-48 SGR), only where standard output is a terminal
COLOURS = {
    Severity.CRITICAL: "\x1b[1;31m",
    Severity.WARNING: "\x1b[1;33m",
    Severity.INFO: "\x1b[1;34m",
    Severity.NOTICE: "\x1b[1;36m",
}
RESOLVED, PLAIN = "\x1b[1;32m", "\x1b[0m"


class Lines:
    """Writes messages as text; the first line in the severity's colour if `colour`. `own`: the user's templates."""

    def __init__(self, own: Path | None = None, *, colour: bool) -> None:
        self._colour = colour
        self._templates = Templates("console", str, own=own)

    def text(self, message: Message) -> str:
        """The whole incident when it opens, one line for what follows."""
        whole = message.kind in (HappeningKind.OPENED, HappeningKind.REOPENED)
        text = self._templates.whole("incident.txt.j2" if whole else "step.txt.j2", message)
        if not self._colour:
            return text
        first, line_end, rest = text.partition("\n")
        colour = RESOLVED if message.state is IncidentState.RESOLVED else COLOURS[message.severity]
        return f"{colour}{first}{PLAIN}{line_end}{rest}"
