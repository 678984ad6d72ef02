"""A message as plain text for a service of which nothing is known.

Some read it as Markdown or HTML, and make mentions and links of what looks like one. Values from a log are therefore
written with look-alikes of the characters that any of them knows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from log_sentinel.delivery.message.templates import Templates
from log_sentinel.delivery.message.text import Phrase, Quoted, Url
from log_sentinel.model.incident import HappeningKind

if TYPE_CHECKING:
    from pathlib import Path

    from log_sentinel.delivery.message.message import Message

# @ begins mentions (Discord, Teams, Mattermost), < > tags and mentions, the others are Markdown's. They become the wide
# or mathematical characters that look the same.
LOOK_ALIKES = str.maketrans(
    {
        "@": "\uff20", "<": "\u2039", ">": "\u203a", "`": "\u02cb", "*": "\u2217", "_": "\uff3f",
        "~": "\u223c", "[": "\uff3b", "]": "\uff3d", "#": "\uff03", "|": "\u2223",
    }
)  # fmt: skip
# In words of ours, which hold the name of a file or of a source at times, what could do harm; #1042 stays as it is.
IN_WORDS = {ord(sign): LOOK_ALIKES[ord(sign)] for sign in "@<>`*["}
# What a client would make a link of.
LINK = re.compile(r"(?i)(://|www\.|mailto:)")
WHOLE = frozenset({HappeningKind.OPENED, HappeningKind.REOPENED})


def shown(text: str) -> str:
    """Our links as they are, everything else as something that is no markup anywhere."""
    if isinstance(text, Url):
        return text
    plain = text.translate(LOOK_ALIKES if isinstance(text, Quoted) else IN_WORDS)
    return LINK.sub(lambda found: f"({found[0][:-1]} {found[0][-1]})", plain)


class Texts:
    """Writes messages: a title, which is the whole of it in a line, and a body. `own`: the user's templates."""

    def __init__(self, own: Path | None = None) -> None:
        self._templates = Templates("console", shown, own=own)

    def title(self, message: Message) -> str:
        return _written(message.headline)

    def body(self, message: Message) -> str:
        return self._templates.whole("incident.txt.j2" if message.kind in WHOLE else "step.txt.j2", message)


def _written(phrase: Phrase) -> str:
    return "".join(map(shown, phrase.parts))
