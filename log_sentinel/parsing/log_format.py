"""nginx's log_format directive as text: its configuration quoting undone, its escape mode and variables found.

Grammar: https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format and nginx's ngx_http_log_compile_format:
`log_format NAME [escape=default|json|none] STRING...;`, the strings joined without a separator, $name or ${name}, no
way to write a dollar sign itself. The configuration's own quoting applies first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

VARIABLE = re.compile(r"\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))")
WHOLE = re.compile(r"\s*log_format\s+(?P<name>[^\s;]+)\s+(?P<rest>.*)\Z", re.DOTALL)
ESCAPE = re.compile(r"\s*escape=(default|json|none)(?=\s|\Z)\s*")
CONF_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
WORD = re.compile(r"[^ ,]*[ ,]|[^ ,]+")
WIDTH = 90
CONF_ESCAPES = {"t": "\t", "r": "\r", "n": "\n", '"': '"', "'": "'", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Directive:
    """`name` is "" and `escape` None where the text does not say."""

    name: str
    escape: str | None
    text: str

    @property
    def variables(self) -> set[str]:
        return {each[1] or each[2] for each in VARIABLE.finditer(self.text)}


def read(directive: str) -> Directive:
    """Takes a whole directive, or only what follows its name, quoted as in nginx.conf or bare.

    Raises ValueError when there is no variable in it.
    """
    name, rest, escape = "", directive, None
    whole = WHOLE.match(directive)
    if whole is not None:
        name, rest = whole["name"], whole["rest"]
    mode = ESCAPE.match(rest)
    if mode is not None:
        escape, rest = mode[1], rest[mode.end() :]
    rest = rest.strip("\r\n")
    strings = _strings(rest)
    quoted = whole is not None or mode is not None or _is_quoted(rest, strings)
    text = joined([string for string, _ in strings]) if quoted else rest
    if VARIABLE.search(text) is None:
        raise ValueError(
            f"got {directive[:80]!r}; a log_format has variables such as $remote_addr. Paste it from nginx.conf"
        )
    return Directive(name, escape, text)


def joined(strings: Sequence[str]) -> str:
    """The strings of a directive as one text. nginx looks for variables in each alone: a name ends where its string
    does."""
    text = ""
    for string in strings:
        last = re.search(r"\$(\w+)\Z", text, re.ASCII)
        if last is not None and re.match(r"\w", string, re.ASCII):
            text = f"{text[: last.start()]}${{{last[1]}}}"
        text += string
    return text


def plain(text: str) -> str:
    """`text` from between quotes of nginx.conf, its escapes undone as the configuration reader does it."""
    return CONF_ESCAPE.sub(lambda found: CONF_ESCAPES.get(found[1], found[0]), text)


def _is_quoted(text: str, strings: list[tuple[str, str]]) -> bool:
    r"""Whether `text` without a directive's name is still quoted for nginx.conf: 'a' 'b', or one "...", or one a line.

    A bare format may begin and end with quotes of its own ("$host" "$status"): double quotes that follow each other
    on one line are taken for such.
    """
    if not strings or not text.lstrip().startswith(("'", '"')) or any(quote == "" for _, quote in strings):
        return False
    return strings[0][1] == "'" or len(strings) == 1 or "\n" in text


def _strings(text: str) -> list[tuple[str, str]]:
    """The strings of a directive as nginx's configuration reader takes them, up to the semicolon, each with its
    quote."""
    strings: list[tuple[str, str]] = []
    position = 0
    while position < len(text) and text[position] != ";":
        if text[position].isspace():
            position += 1
            continue
        quote = text[position] if text[position] in "'\"" else ""
        position += len(quote)
        string: list[str] = []
        while position < len(text):
            char = text[position]
            if char == "\\" and position + 1 < len(text):
                following = text[position + 1]
                string.append(CONF_ESCAPES.get(following, char + following))
                position += 2
                continue
            if char == quote or (not quote and (char.isspace() or char == ";")):
                position += len(quote)
                break
            string.append(char)
            position += 1
        strings.append(("".join(string), quote))
    return strings


def written(directive: Directive, more: Sequence[str] = ()) -> str:
    """`directive` as a log_format for nginx.conf, with the variables `more` at its end; one that writes a JSON object
    has them as members."""
    text = directive.text
    if more and text.rstrip().endswith("}") and text.lstrip().startswith("{"):
        members = "".join(f',"{name}":"${name}"' for name in more)
        text = text.rstrip()[:-1] + members + "}"
    elif more:
        text += "".join(f" ${name}" for name in more)
    escape = f" escape={directive.escape}" if directive.escape else ""
    return f"log_format {directive.name}{escape}\n" + "\n".join(f"    {piece}" for piece in _pieces(text)) + ";"


def _pieces(text: str) -> Iterator[str]:
    """`text` quoted for nginx.conf, in pieces of a readable length. nginx looks for variables in each piece alone, so
    that none may be cut."""
    piece = ""
    for word in WORD.findall(text):
        if piece and len(piece) + len(word) > WIDTH:
            yield _quoted(piece)
            piece = ""
        piece += word
    yield _quoted(piece)


def _quoted(piece: str) -> str:
    piece = piece.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + piece.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r") + "'"
