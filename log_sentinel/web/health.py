"""How the process and its parts are, as /healthz tells it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """ok; troubled: it works on, but somebody should look; failing: it does not do its work until somebody acts."""

    OK = "ok"
    TROUBLED = "troubled"
    FAILING = "failing"


WORST_FIRST = (State.FAILING, State.TROUBLED, State.OK)


@dataclass(frozen=True, slots=True)
class Part:
    """One part (`source edge`, `database`, `channel ops`): what is the matter with it, and what to do about it."""

    name: str
    state: State
    says: str = ""
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """`ready`: started, and able to take lines in (its database answers)."""

    parts: tuple[Part, ...]
    ready: bool = True

    @property
    def state(self) -> State:
        """The state of the worst part."""
        states = {part.state for part in self.parts}
        return next((state for state in WORST_FIRST if state in states), State.OK)

    def as_json(self) -> dict[str, object]:
        return {
            "state": self.state,
            "ready": self.ready,
            "parts": [
                {"name": part.name, "state": part.state, "says": part.says, "todo": part.todo} for part in self.parts
            ],
        }
