"""A log_format that writes a JSON object: under which path each of its variables is."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from log_sentinel.parsing.layout import Variable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from log_sentinel.parsing.layout import Part

# What nginx always has a number for. Without quotes around it anything else may leave a hole, which is no JSON.
NUMBERS = {
    "status", "msec", "request_time", "request_length", "body_bytes_sent", "bytes_sent", "connection",
    "connection_requests", "pid", "server_port", "remote_port",
}  # fmt: skip
STRING = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
MARK = re.compile("\x01([0-9]+)\x01")


def paths(parts: Sequence[Part]) -> dict[str, str] | None:
    """The path of each variable (the first, of several) in the object that `parts` write with escape=json.

    None where the lines may be no JSON, or where a variable shares its string with something else: then it is better
    read as text.
    """
    names = [part.name for part in parts if isinstance(part, Variable)]
    text, number, quoted = "", 0, False
    for part in parts:
        if isinstance(part, Variable):
            if not quoted and part.name not in NUMBERS:
                return None
            mark = f"\x01{number}\x01"
            text += mark if quoted else f'"{mark}"'
            number += 1
        else:
            text += part.text
            strings = STRING.findall(text)
            quoted = bool(strings) and text.endswith(strings[-1]) and not _closed(strings[-1])
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    places: dict[str, str] = {}
    for path, value in _leaves(found, ""):
        marks = MARK.findall(value) if isinstance(value, str) else []
        if marks and MARK.fullmatch(str(value)) is None:
            return None
        if marks:
            places.setdefault(names[int(marks[0])], path)
    return places


def _closed(string: str) -> bool:
    return len(string) > 1 and re.fullmatch(r'"(?:[^"\\]|\\.)*"', string, re.DOTALL) is not None


def _leaves(found: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(found, dict):
        for key, value in found.items():
            name = key.replace(".", "\\.")
            yield from _leaves(value, f"{path}.{name}" if path else name)
    elif isinstance(found, list):
        for number, value in enumerate(found):
            yield from _leaves(value, f"{path}.{number}")
    else:
        yield path, found
