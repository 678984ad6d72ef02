"""Lines that are JSON objects (or arrays of them), read one at a time.

Names that stand twice in one object are an evasion when they decide the status: one reader takes the first, another the
last. Such lines are refused. They are looked for only where the names on the status's path stand more often than once a
line, or where a name could be spelt with \\u escapes.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from log_sentinel.model.columns import EVIDENCE_PREFIX
from log_sentinel.parsing.json_paths import MISSING, steps, walk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_sentinel.parsing.careful import Inputs
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
        self._status_names = {step for path in self.paths["status"] for step in path}

    def read(self, line: bytes) -> list[Inputs] | str:
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
            tuple(first_given([walk(each, path) for path in paths]) for paths in self.paths.values())
            for each in objects
        ]

    def _suspicious(self, text: bytes) -> bool:
        names = (b'"%s"' % name.encode() for name in self._status_names)
        return b"\\u00" in text or any(text.count(name) > 1 for name in names)

    def _twice(self, text: bytes) -> bool:
        """Whether a name on the way to the status stands twice in one of the objects on that way."""
        marked = json.loads(text, object_pairs_hook=_with_repeats)
        objects = marked if isinstance(marked, list) else [marked]
        return any(_repeated(each, path) for each in objects for path in self.paths["status"])


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


def first_given(values: Sequence[object]) -> object:
    """The first value that is not missing; the last one's where all are."""
    return next((value for value in values if value not in MISSING), values[-1])
