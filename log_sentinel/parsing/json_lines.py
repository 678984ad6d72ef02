"""Lines that are JSON objects (or arrays of them), read one at a time or many at once.

Names that stand twice in one object are an evasion when they decide the status: one reader takes the first, another the
last. Such lines are refused. They are looked for only where the names on the status's path stand more often than once a
line, or where a name could be spelt with \\u escapes.
"""

from __future__ import annotations

import json
from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from log_sentinel.model.columns import EVIDENCE_PREFIX
from log_sentinel.parsing.json_paths import PathDecoder, steps, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from log_sentinel.parsing.readings import Reading

NOT_JSON = "not JSON"
NO_OBJECT = "no JSON object"
TOO_DEEP = "JSON nested too deep"
TWICE = "a JSON name that decides the status stands twice"


class JsonReader:
    """Reads lines into inputs."""

    def __init__(self, readings: Mapping[str, Reading], evidence: Mapping[str, tuple[str, ...]]) -> None:
        wanted = {name: reading.fields for name, reading in readings.items()}
        wanted |= {EVIDENCE_PREFIX + name: fields for name, fields in evidence.items()}
        self.paths = {name: tuple(steps(field) for field in fields) for name, fields in wanted.items()}
        self.names = tuple(self.paths)
        self._decoder = PathDecoder([path for paths in self.paths.values() for path in paths])
        self._status_paths = self.paths["status"]
        self._status_names = {step for path in self._status_paths for step in path}

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
            {name: _first([walk(each, path) for path in paths]) for name, paths in self.paths.items()}
            for each in objects
        ]

    def read_many(self, data: bytes, lines: int) -> list[object] | None:
        """One struct per line of `data`, `lines` lines without blank ones among them; None when only reading line by
        line can tell.

        A newline between two braces cannot lie within a JSON value, so that the line's and the object's ends are the
        same.
        """
        body = data.rstrip(b"\n")
        if body.count(b"}\n{") != lines - 1 or b"\\u00" in body:
            return None
        for name in self._status_names:
            if body.count(b'"%s"' % name.encode()) > lines:
                return None
        try:
            rows: list[object] = self._decoder.decoder.decode_lines(body)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None
        return rows if len(rows) == lines else None

    def values(self, rows: Sequence[object], name: str) -> list[object]:
        """The input `name` of many structs."""
        columns = [self._values_at(rows, path) for path in self.paths[name]]
        return columns[0] if len(columns) == 1 else [_first(each) for each in zip(*columns, strict=True)]

    def _values_at(self, rows: Sequence[object], path: tuple[str, ...]) -> list[object]:
        attribute, rest = self._decoder.attribute(path)
        get = attrgetter(attribute)
        try:
            found = list(map(get, rows))
        except AttributeError:  # an object on the way is null in some row
            found = [_or_none(get, row) for row in rows]
        return [walk(value, rest) for value in found] if rest else found

    def _suspicious(self, text: bytes) -> bool:
        return b"\\u00" in text or any(text.count(b'"%s"' % name.encode()) > 1 for name in self._status_names)

    def _twice(self, text: bytes) -> bool:
        """Whether a name on the way to the status stands twice in one of the objects on that way."""
        marked = json.loads(text, object_pairs_hook=_with_repeats)
        return any(
            _repeated(each, path)
            for each in (marked if isinstance(marked, list) else [marked])
            for path in self._status_paths
        )


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


def _or_none(get: Callable[[object], object], row: object) -> object:
    try:
        return get(row)
    except AttributeError:
        return None


def _first(values: Sequence[object]) -> object:
    return values[0] if len(values) == 1 else next((value for value in values if value not in (None, "", "-")), None)
