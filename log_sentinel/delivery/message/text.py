"""Text for people, made of our own words and of values that came out of a log.

Whoever sends a request chooses its path, its user agent and often its client name. Such a value travels as `Quoted`:
clean, of bounded length, on one line. A channel shows it as data (code, escaped text) and never as markup; our words
and the values stay apart until then, in a `Phrase`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Cc: terminal sequences and line ends. Cf: bidi overrides, zero-width and tag characters, which make text read as
# something
# else. Cs: lone surrogates, which no encoder takes. Zl, Zp: line ends beyond ASCII. Co, Cn: private or not assigned.
UNSHOWABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"})
VALUE_CHARACTERS = 120


def clean(text: str) -> str:
    """`text` on one line with nothing invisible in it: what cannot be shown is written out, as in `\\x1b` or
    `\\u202e`.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if unicodedata.category(character) not in UNSHOWABLE:
        # exotic spaces would end lines or words where nobody sees it
        return " " if unicodedata.category(character) == "Zs" else character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` characters; a longer one keeps its beginning and its end, where paths differ."""
    if len(text) <= limit:
        return text
    tail = min(limit // 3, 24)
    return f"{text[: limit - tail - 1]}…{text[len(text) - tail :]}"


class Quoted(str):
    """A value from a log: clean and cut. Made by `quoted`."""

    __slots__ = ()


def quoted(value: object, limit: int = VALUE_CHARACTERS) -> Quoted:
    """`value` ready to be shown as data; an empty one is shown as (empty)."""
    # cut first: cleaning a megabyte to show a hundred characters of it would be the sender's choice of our speed
    return Quoted(cut(clean(cut(str(value), limit)), limit) or "(empty)")


# RFC 3986's characters, without those that quote or end something in a channel: ' ( ) * are rare in a path, and can be
# written in percent.
ADDRESS = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&+,;=%-]{1,500}", re.ASCII)


class Url(str):
    """An address out of the settings or a rule file, never out of a log: the only thing that becomes a link."""

    __slots__ = ()


def url(address: str) -> Url | None:
    """`address` as a link, None if it is no http(s) address that is safe to show in every channel."""
    return Url(address) if ADDRESS.fullmatch(address) else None


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words of ours (`str`) and values from a log (`Quoted`), in order."""

    parts: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(self.parts)

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __bool__(self) -> bool:
        return any(self.parts)


def phrase(*parts: str | int | Phrase) -> Phrase:
    """A phrase of these parts, one after the other."""
    flat: list[str] = []
    for part in parts:
        if isinstance(part, Phrase):
            flat.extend(part.parts)
        elif isinstance(part, str):
            flat.append(part)
        else:
            flat.append(number(part))
    return Phrase(tuple(part for part in flat if part))


def joined(phrases: list[Phrase], between: str = ", ", last: str | None = None) -> Phrase:
    """`phrases` with `between` between them, and `last` before the last one."""
    parts: list[str | Phrase] = []
    for index, one in enumerate(phrases):
        if index:
            parts.append(last if last is not None and index == len(phrases) - 1 else between)
        parts.append(one)
    return phrase(*parts)


def number(value: float) -> str:
    """A count or rate as people write it: 1,204 or 2.5."""
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 10 else f"{value:.1f}"


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """`n` with its noun: 1 client, 1,204 clients."""
    return f"{number(n)} {noun if n == 1 else plural or noun + 's'}"
