"""Wanted fields of JSON objects: a decoder for them alone, and the walk that finds them in an object decoded whole.

A path is names joined by dots; a name in it that holds a dot itself is written with a backslash before the dot. A
number is a list's element, from the end when negative.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

SEPARATOR = re.compile(r"(?<!\\)\.")
INDEX = re.compile(r"-?[0-9]+")


def steps(path: str) -> tuple[str, ...]:
    """The names along a path."""
    return tuple(step.replace("\\.", ".") for step in SEPARATOR.split(path))


def walk(value: object, path: tuple[str, ...]) -> object:
    """What stands at `path` in a decoded object, None where there is nothing."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and INDEX.fullmatch(step):
            try:
                value = value[int(step)]
            except IndexError:
                return None
        else:
            return None
    return value


class PathDecoder:
    """Decodes only what the paths need. A struct per object on the way; a list, or whatever stands at a path's end,
    whole."""

    def __init__(self, paths: list[tuple[str, ...]]) -> None:
        self._numbers: dict[tuple[str, ...], str] = {}
        self.type = self._struct(paths, ())
        self.decoder = msgspec.json.Decoder(self.type)

    def attribute(self, path: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """The dotted attribute that holds `path`, and what of the path is left to walk from there."""
        names: list[str] = []
        for end in range(1, len(path) + 1):
            names.append(self._numbers[path[:end]])
            if path[:end] in self._leaves:
                return ".".join(names), path[end:]
        raise KeyError(path)

    def _struct(self, paths: list[tuple[str, ...]], at: tuple[str, ...]) -> Any:
        if not at:
            self._leaves = _leaves(paths)
        depth = len(at)
        children = list(dict.fromkeys(path[: depth + 1] for path in paths if path[:depth] == at and len(path) > depth))
        fields: list[tuple[str, Any, Any]] = []
        renamed: dict[str, str] = {}
        for child in children:
            name = f"f{len(self._numbers)}"
            self._numbers[child] = name
            renamed[name] = child[-1]
            if child in self._leaves:
                fields.append((name, Any, None))
            else:
                inner = self._struct(paths, child)
                fields.append((name, inner | None, msgspec.field(default_factory=inner)))
        return msgspec.defstruct(f"At{len(self._numbers)}", fields, rename=renamed, gc=False)


def _leaves(paths: list[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Where decoding goes over from structs to plain values: a path's end, or what holds a list."""
    ends = set()
    for path in paths:
        listed = next((n for n, step in enumerate(path) if INDEX.fullmatch(step)), len(path))
        ends.add(path[:listed])
    return {end for end in ends if not any(end[:shorter] in ends for shorter in range(1, len(end)))}
