"""What is wrong with the settings, said so that the reader can put it right."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: `origin` is the file or variable, `key` the dotted path in it ("" for the file as a whole).

    `found` and `allowed` are half sentences, `meant` is the nearest thing that would be right. None holds a secret.
    """

    origin: str
    key: str
    found: str
    allowed: str = ""
    meant: str | None = None

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.origin, self.key) if part)
        said = "; ".join(part for part in (self.found, self.allowed) if part)
        question = f' Did you mean "{self.meant}"?' if self.meant else ""
        return f"{where}: {said}{'' if said.endswith(('.', '?')) else '.'}{question}"


class BadSettings(Exception):  # the name says what is wrong, as every exception here does
    """The settings cannot be used; `mistakes` has every one that was found, its text a line for each."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """The one of `allowed` that `word` was probably meant to be."""
    found = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.6)
    return found[0] if found else None
