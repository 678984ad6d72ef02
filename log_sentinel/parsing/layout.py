"""A text format taken apart: literals and fields in order, and for each field the rule that says where its value ends.

Every rule scans forward once and never takes back what it took, so that a hostile line costs no more than its length.
`pattern()` is the whole as one regular expression of atomic parts: the careful path. `ranged()` is for the fast
path's engine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

QUOTE = '"'
BLANKS = " \t"

# shapes: what values look like where more is known than "everything up to the next literal". No shape can match the
# beginning of what follows it in more than one way, so that taking it whole is right.
SHAPES: dict[str, str] = {
    "status": r"[0-9]{3}",
    "code": r"(?:[0-9]{3}|0|-1)",
    "clf": r"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}",
    "iso8601": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[+-][0-9]{2}:[0-9]{2}|Z)",
    "moment": r"(?:[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}[: ]|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ])[0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(?:[.,][0-9]{1,9})?(?: ?[+-][0-9]{2}:?[0-9]{2}|Z)?",
    "seconds": r"[0-9]{1,16}(?:\.[0-9]{1,9})?",
    "list": r"[^ ,]*(?:(?:, | : )[^ ,]+)*",
    "host": r"[^/ \"]*",
    "word": r"[A-Za-z0-9]*",
    # the last colon before digits is the port's
    "address": r"(?:\[[0-9A-Fa-f:.%a-z]*\]|[0-9A-Za-z:.%-]+(?=:[0-9]{1,5}(?![0-9A-Fa-f:])))",
    "number": r"(?:-|[0-9]{1,15}(?:\.[0-9]{1,9})?)",
    # what is left of a text in quotes where the line ends
    "torn": r'[^"]*',
    # the inside of a JSON string, in a format that escapes otherwise
    "escaped": r'[^"\\]*(?:\\.[^"\\]*)*',
}
# what the fast path takes instead: no more than the shape, and without looking ahead
NARROW = SHAPES | {
    "list": r"[\x00-\x1f!-+\--\x7f]*(?:, [\x00-\x1f!-+\--\x7f]+)*",
    "host": r"[!#-.0-\x7f]*",
    "address": r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+",
    "torn": r"[\x00-!#-\x7f]*",
    "escaped": r"[\x00-!#-\[\]-\x7f]*",
}
WIDTHS = {"status": 3, "clf": 26, "iso8601": 25}
# These close a value only where the next variable touches it; before a literal they are as good as plain.
CLOSING = {"host", "word", "number"}
# What may be empty: what a client or the configuration sets, and where nothing stands for a missing value, nearly all.
EMPTY = {False: {"text", "raw"}, True: {"text", "raw", "plain", "list"}}
# A free text before one of these ends where the literal and such a value stand: neither is easily forged.
# So far a plain value between them is looked through, from each place where the free text may end.
PLAIN_LIMIT = 256
TELLING = {"status", "code", "clf", "iso8601", "seconds", "number"}


@dataclass(frozen=True, slots=True)
class Literal:
    text: str


@dataclass(frozen=True, slots=True)
class Variable:
    """`shape` is a key of SHAPES; "plain" holds no blank and no quote; "text" may hold anything a client sent; so may
    "raw", which is not escaped even where the rest of the format is."""

    name: str
    shape: str = "text"


Part = Literal | Variable


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a value ends. `kind`: shape, quoted, class (at the first `char`), before (at the first `text` +
    `telling`), rest."""

    kind: str
    char: str = ""
    text: str = ""
    telling: str = ""


@dataclass(frozen=True, slots=True)
class Cut:
    """One field and the literal that follows it ("" at the end of the line)."""

    name: str
    shape: str
    stop: Stop
    literal: str


@dataclass(frozen=True, slots=True)
class Layout:
    """`head` is the literal before the first field."""

    head: str
    cuts: tuple[Cut, ...]
    escape: str

    def pattern(self) -> re.Pattern[str]:
        """The careful path: one linear expression, a group per cut, over one line without its newline."""
        parts, before, empty = [], self.head, self._empty_ends()
        for number, cut in enumerate(self.cuts):
            blanks = before[len(before.rstrip(BLANKS)) :] if number >= len(self.cuts) - empty else ""
            parts.append(re.escape(before[: len(before) - len(blanks)]))
            parts.append(f"(?:{re.escape(blanks)}" if blanks else "")
            parts.append(_atomic(cut.stop, cut.shape))
            before = cut.literal
        return re.compile("".join(parts) + re.escape(before) + ")?" * empty + r"\s*\Z", re.DOTALL)

    def _empty_ends(self) -> int:
        """How many fields at the end, with blanks alone between them, may be empty: a line comes without its last
        blanks."""
        before = [self.head, *(cut.literal for cut in self.cuts)]
        number = 0
        for cut, literal in zip(self.cuts[::-1], before[-2::-1], strict=True):
            ends = cut.literal.strip(BLANKS) == "" if number else cut.literal == ""
            if not (ends and literal.endswith((" ", "\t")) and cut.shape in EMPTY[self.escape in ("none", "json")]):
                break
            number += 1
        return number

    def ranged(self, start: int = 0, *, groups: bool = False, ends: str = "[ \t]*$") -> str:
        """The cuts from number `start` on, anchored at both ends, for an engine without atomic groups.

        It matches fewer lines than `pattern`, but those in one way only and therefore the same: it is for ASCII lines
        without an escaped quote (and without " : " where there are lists), and a free text may not hold what comes
        after it. With `groups` it may not even hold the first byte of that: such an expression needs one pass, and
        takes a quarter of the time.
        """
        parts = [] if start else [_escaped(self.head)]
        for cut in self.cuts[start:]:
            value = narrow(cut.stop, cut.shape, one_pass=groups)
            parts.append((f"({value})" if groups else f"(?:{value})") + _escaped(cut.literal))
        return "^" + "".join(parts) + ends

    @property
    def has_lists(self) -> bool:
        return any(cut.shape == "list" and cut.stop.kind == "shape" for cut in self.cuts)


def lay_out(parts: Sequence[Part], escape: str) -> Layout:
    """The layout of `parts`. Variables that touch are one field of a joint name unless the first's shape closes it."""
    head, fields = "", list[tuple[Variable, str]]()
    for part in merged(parts):
        if isinstance(part, Variable):
            fields.append((part, ""))
        elif fields:
            fields[-1] = (fields[-1][0], part.text)
        else:
            head = part.text
    cuts = [
        Cut(variable.name, variable.shape, _stop(variable, literal, fields[number:], escape), literal)
        for number, (variable, literal) in enumerate(fields, 1)
    ]
    return Layout(head, tuple(cuts), escape)


def merged(parts: Sequence[Part]) -> list[Part]:
    """Adjacent literals joined; adjacent variables joined unless the first has a closed shape."""
    out: list[Part] = []
    for part in parts:
        last = out[-1] if out else None
        if isinstance(part, Literal) and isinstance(last, Literal):
            out[-1] = Literal(last.text + part.text)
        elif (
            isinstance(part, Variable) and isinstance(last, Variable) and last.shape in ("plain", "text", "raw", "list")
        ):
            out[-1] = Variable(f"{last.name}+{part.name}", "text")
        else:
            out.append(part)
    return out


def _stop(variable: Variable, literal: str, following: Sequence[tuple[Variable, str]], escape: str) -> Stop:
    """`following`: the variables beyond `literal` with the literals behind them."""
    after = following[0][0] if following else None
    plain = variable.shape == "plain" or (variable.shape in CLOSING and literal != "")
    if not plain and variable.shape not in ("text", "raw", "list"):
        return Stop("shape")
    if not literal:
        # where nothing is escaped, a client's blanks could push fields to the end
        return Stop("class", " ") if plain and escape == "none" else Stop("rest")
    char, escapes = literal[0], escape != "none" and variable.shape != "raw"
    if char == QUOTE and escapes:
        # HAProxy writes a quote as #22 and a backslash as it is
        return Stop("class", QUOTE) if escape == "haproxy" else Stop("quoted", QUOTE)
    if char == "}" and escape == "haproxy" and escapes:
        return Stop("class", char)
    if variable.shape == "raw" and after is None:
        return Stop("rest")  # nothing behind it could be mistaken for its end
    if variable.shape == "list":
        # an address in a list may hold brackets and colons
        return Stop("shape") if char == " " else Stop("before" if char in ":]," else "class", char, literal)
    if plain or (char < " " and escapes):
        return Stop("class", char)
    telling = _telling(following)
    if telling:
        return Stop("before", char, literal, telling)
    return Stop("class", char) if len(literal) == 1 else Stop("before", char, literal)


def _telling(following: Sequence[tuple[Variable, str]]) -> str:
    """What, seen behind a literal, says that a free text ends before it: a value that is not easily forged with the
    literal behind it, up to two plain values before. "" where there is none."""
    before = ""
    for variable, ends in following[:3]:
        if variable.shape in TELLING:
            return before + SHAPES[variable.shape] + re.escape(ends)
        if variable.shape != "plain" or not ends:
            return ""
        before += f"[^{BLANKS}{re.escape(ends[0])}]{{0,{PLAIN_LIMIT}}}+{re.escape(ends)}"
    return ""


def _atomic(stop: Stop, shape: str) -> str:
    match stop.kind:
        case "shape":
            return f"((?>{SHAPES[shape]}))"
        case "quoted":
            return r'([^"\\]*+(?:\\.[^"\\]*+)*+)'
        case "class":
            return f"([^{re.escape(stop.char)}]*+)"
        case "before":
            return f"(?>(.*?)(?={re.escape(stop.text)}{stop.telling}))"
        case _:
            return "(.*)"


def narrow(stop: Stop, shape: str, *, one_pass: bool = False) -> str:
    """What the fast path takes for a value that ends so."""
    match stop.kind:
        case "shape":
            return NARROW[shape]
        case "quoted":
            return _all_but(QUOTE)
        case "class":
            return _all_but(stop.char)
        case "before":
            telling = stop.text.strip()[:1] or stop.char
            return _all_but(telling, stop.char) if one_pass else _all_but(telling)
        case _:
            return r"[\x00-\x7f]*"


def _all_but(*chars: str) -> str:
    ranges, begin = "", 0
    for code in sorted({ord(char) for char in chars}):
        ranges += rf"\x{begin:02x}-\x{code - 1:02x}" if code > begin else ""
        begin = code + 1
    return rf"[{ranges}\x{begin:02x}-\x7f]*"


def _escaped(text: str) -> str:
    return "".join(rf"\x{ord(char):02x}" if not char.isalnum() and char.isascii() else char for char in text)
