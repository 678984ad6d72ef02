"""What every source of lines is, and how it says what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from log_sentinel.model.lines import Lines


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps a source from being read whole, and what to do about it. `since` is UTC."""

    where: str
    found: str
    to_do: str
    since: datetime

    def __str__(self) -> str:
        return f"{self.where}: {self.found}. {self.to_do}"


class Source(Protocol):
    """Gives whole lines, each once, and can go back to what is committed. Used by one thread at a time.

    Lines without data are a step too: bytes that hold no line were passed over, or a generation came to its end. They
    are committed like any others, in the order they were given.
    """

    @property
    def name(self) -> str: ...

    @property
    def caught_up(self) -> bool:
        """Whether everything there was has been read once since the start."""

    def read(self, limit: int) -> Lines | None:
        """The next whole lines, `limit` bytes at most or so, from where it stands in memory; None: nothing new."""

    def rewind(self) -> None:
        """Forgets where it stands and goes on from the stored checkpoints: after a commit failed or was superseded."""

    def behind(self) -> int:
        """Bytes that are there and were not read yet, as far as is known. Asked from any thread."""

    def watched(self) -> tuple[Path, ...]:
        """Directories in which a change may mean new lines."""

    def problems(self) -> tuple[Problem, ...]: ...

    def close(self) -> None: ...
