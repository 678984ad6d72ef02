"""What somebody asks for by pressing a button below an alert."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable


class Action(StrEnum):
    """What can be asked for; each is also a command of `log-sentinel incidents`."""

    ACKNOWLEDGE = "acknowledge"
    SILENCE_1H = "silence_1h"
    SILENCE_24H = "silence_24h"
    NOT_AN_INCIDENT = "not_an_incident"


SILENCES = {Action.SILENCE_1H: timedelta(hours=1), Action.SILENCE_24H: timedelta(hours=24)}


@dataclass(frozen=True, slots=True)
class Press:
    """`who` pressed for `action` below the message with the mark `where` (as `Notification.opening_ref`), which is said
    to be about `incident`. Nothing of it has been believed yet.
    """

    incident: int
    action: Action
    who: str
    where: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a press, as a sentence; `to_all`: for everybody who sees the alert, not only who pressed."""

    says: str
    to_all: bool = False


@runtime_checkable
class Listening(Protocol):
    """A channel whose messages can have buttons."""

    def listen(self, hear: Callable[[Press], Answer]) -> None:
        """Begins to pass presses on to `hear`, from a thread of its own, until the channel is closed."""

    def deaf(self) -> str | None:
        """Why presses are not heard now, None while they are or there are no buttons."""
