"""Lines that are JSON objects (or arrays of them), read one at a time or many at once.

Names that stand twice in one object are an evasion when they decide the status: one reader takes the first, another the
last. Such lines are refused. They are looked for only where the names on the status's path stand more often than once a
line, or where a name could be spelt with \\u escapes.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from log_sentinel.model.columns import EVIDENCE_PREFIX
from log_sentinel.parsing.json_paths import PathDecoder, steps, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from log_sentinel.parsing.readings import Reading

MISSING = (None, "", "-")
NOT_JSON = "not JSON"
NO_OBJECT = "no JSON object"
TOO_DEEP = "JSON nested too deep"
TWICE = "a JSON name that decides the status stands twice"


ESCAPED_ASCII = re.compile(rb"\\u00")


class JsonReader:
    """Reads lines into inputs."""

    def __init__(self, readings: Mapping[str, Reading], evidence: Mapping[str, tuple[str, ...]]) -> None:
        wanted = {name: reading.fields for name, reading in readings.items()}
        wanted |= {EVIDENCE_PREFIX + name: fields for name, fields in evidence.items()}
        self.paths = {name: tuple(steps(field) for field in fields) for name, fields in wanted.items()}
        self.names = tuple(self.paths)
        self._status_names = {step for path in self.paths["status"] for step in path}
        self._status_keys = [b'"%s"' % path[-1].encode() for path in self.paths["status"]]

    def read(self, line: bytes) -> list[dict[str, object]] | str:
        """The inputs of the line's requests, or why there are none."""
        try:
            text = line if line.isascii() else line.decode("utf-8", "replace").encode()
            decoded = msgspec.json.decode(text)
            if self._suspicious(text) and self._twice(text):
                return TWICE
        except RecursionError:
            return TOO_DEEP
        except (msgspec.DecodeError, ValueError):
            return NOT_JSON
        objects = decoded if isinstance(decoded, list) else [decoded]
        if not objects or not all(isinstance(each, dict) for each in objects):
            return NO_OBJECT
        return [
            {name: first_given([walk(each, path) for path in paths]) for name, paths in self.paths.items()}
            for each in objects
        ]

    def unambiguous(self, data: bytes, lines: int) -> bool:
        """Whether none of the `lines` objects in `data` can have a second status. False: only each line can tell.

        That every object has a status is for the caller to see: then a name too many is a name twice.
        """
        return all(data.count(key) <= lines for key in self._status_keys) and ESCAPED_ASCII.search(data) is None

    def _suspicious(self, text: bytes) -> bool:
        names = (b'"%s"' % name.encode() for name in self._status_names)
        return b"\\u00" in text or any(text.count(name) > 1 for name in names)

    def _twice(self, text: bytes) -> bool:
        """Whether a name on the way to the status stands twice in one of the objects on that way."""
        marked = json.loads(text, object_pairs_hook=_with_repeats)
        objects = marked if isinstance(marked, list) else [marked]
        return any(_repeated(each, path) for each in objects for path in self.paths["status"])


class ColumnDecoder:
    """Decodes some of a reader's inputs from many lines at once, column by column."""

    def __init__(self, paths: Mapping[str, tuple[tuple[str, ...], ...]]) -> None:
        self.names = tuple(paths)
        decoder = PathDecoder([path for each in paths.values() for path in each])
        self._decoder = decoder.decoder
        self._places = {name: [decoder.attribute(path) for path in each] for name, each in paths.items()}

    def decode(self, lines: bytes) -> list[object] | None:
        """One struct per line; None when the lines are not one object of the expected shape each."""
        try:
            return self._decoder.decode_lines(lines)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None

    def values(self, rows: Sequence[object], name: str) -> list[object]:
        """The input `name` of decoded lines."""
        found: list[object] = []
        for attribute, rest in self._places[name]:
            values = _values_at(rows, attribute, rest)
            if found:
                values = [other if value in MISSING else value for value, other in zip(found, values, strict=True)]
            found = values
            if not any(missing in found for missing in MISSING):
                break
        return found


REPEATS = "\x00repeats"


def _with_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        found[REPEATS] = {name for name, times in Counter(name for name, _ in pairs).items() if times > 1}
    return found


def _repeated(value: object, path: tuple[str, ...]) -> bool:
    for step in path:
        if not isinstance(value, dict):
            return False
        repeats = value.get(REPEATS)
        if isinstance(repeats, set) and step in repeats:
            return True
        value = value.get(step)
    return False


def _values_at(rows: Sequence[object], attribute: str, rest: tuple[str, ...]) -> list[object]:
    get = attrgetter(attribute)
    try:
        found = list(map(get, rows))
    except AttributeError:  # an object on the way is null in some row
        found = [_or_none(get, row) for row in rows]
    return [walk(value, rest) for value in found] if rest else found


def _or_none(get: Callable[[object], object], row: object) -> object:
    try:
        return get(row)
    except AttributeError:
        return None


def first_given(values: Sequence[object]) -> object:
    """The first value that is not missing; the last one's where all are."""
    return next((value for value in values if value not in MISSING), values[-1])
