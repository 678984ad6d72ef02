"""What log-sentinel tells of itself: what it cannot see or do, and its daily report. Nothing is denied in it.

`evidence` of such an incident holds `what` it is about, what it `says`, what is `todo`, and for a report its `figures`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.delivery.message.message import Figure, Step
from log_sentinel.delivery.message.text import Phrase, clean, cut, phrase, quoted

if TYPE_CHECKING:
    from log_sentinel.model.incident import Incident

# A sentence with a path or a server's answer in it.
SAYS_CHARACTERS = 600


def name(incident: Incident) -> Phrase:
    return phrase("log-sentinel: ", _what(incident))


def brief(incident: Incident, _capital: bool) -> Phrase:
    return phrase("log-sentinel, ", _what(incident), ": ", _says(incident))


def whole(incident: Incident) -> Phrase:
    return phrase(_says(incident), ".")


def over(incident: Incident, _capital: bool) -> Phrase:
    return phrase(_what(incident), " is as it should be again")


def figures(incident: Incident) -> tuple[Figure, ...]:
    """A report's figures."""
    listed = incident.evidence.get("figures")
    pairs = listed if isinstance(listed, list) else []
    return tuple(Figure(str(label), phrase(quoted(text, SAYS_CHARACTERS))) for label, text in pairs)


def steps(incident: Incident) -> tuple[Step, ...]:
    todo = incident.evidence.get("todo")
    if not todo:
        return ()
    return (
        # our words, with the name of a file or a source in them at times
        Step(phrase(cut(clean(str(todo)), SAYS_CHARACTERS))),
        Step(phrase("All that was found, on one page:"), quoted("log-sentinel doctor")),
    )


def _what(incident: Incident) -> Phrase:
    return phrase(quoted(incident.evidence.get("what") or incident.key))


def _says(incident: Incident) -> Phrase:
    return phrase(quoted(incident.evidence.get("says") or incident.rule, SAYS_CHARACTERS))
