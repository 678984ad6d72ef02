"""Wanted fields of JSON objects: a decoder for them alone, and the walk that finds them in an object decoded whole.

A path is names joined by dots; a name in it that holds a dot itself is written with a backslash before the dot. A
number is a list's element, from the end when negative.
"""

from __future__ import annotations

import re
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Path = tuple[str, ...]
MISSING = (None, "", "-")
SEPARATOR = re.compile(r"(?<!\\)\.")
INDEX = re.compile(r"-?[0-9]+")


def steps(path: str) -> Path:
    """The names along a path."""
    return tuple(step.replace("\\.", ".") for step in SEPARATOR.split(path))


def walk(value: object, path: Path) -> object:
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


class Given:
    """Stands in a struct where a value was that the decoder gives apart."""


class PathDecoder:
    """Decodes only what the paths need. A struct per object on the way; a list, or whatever stands at a path's end,
    whole.

    A value at the end of one of the paths `once` is given apart, each time one stands there: a name that stands twice
    in its object gives one too many. The objects on the way there must be objects with such a value in them, or else
    there is an error: so their names cannot stand twice unseen either.
    """

    def __init__(self, paths: Sequence[Path], once: Sequence[Path] = ()) -> None:
        self._attributes: dict[Path, str] = {}
        self._given: dict[Path, Given] = {}
        self._leaves, self._once = _leaves(paths), once
        self.type = self._struct(paths, ())

    def decode(self, lines: bytes | memoryview) -> tuple[list[object], dict[Given, list[object]]]:
        """The objects in `lines`, and the values given apart in the order of the rows.

        Two objects on one line are two, and one over two lines is one: who minds must look. Raises msgspec.DecodeError,
        ValueError (UnicodeDecodeError among them) or RecursionError.
        """
        apart: dict[Given, list[object]] = {given: [] for given in self._given.values()}
        keeping = {type(given): (given, values.append) for given, values in apart.items()}

        def put_apart(kind: type, value: object) -> Given:
            given, keep = keeping[kind]
            keep(value)
            return given

        return msgspec.json.Decoder(self.type, dec_hook=put_apart).decode_lines(lines), apart

    def place(self, path: Path) -> tuple[Callable[[object], object], Given | None, Path]:
        """How to get `path` from a struct, what stands there if the value is given apart, and what of the path is left
        to walk from there."""
        names: list[str] = []
        for end in range(1, len(path) + 1):
            names.append(self._attributes[path[:end]])
            if path[:end] in self._leaves:
                return attrgetter(".".join(names)), self._given.get(path[:end]), path[end:]
        raise KeyError(path)

    def _struct(self, paths: Sequence[Path], at: Path) -> Any:
        depth = len(at) + 1
        children = list(dict.fromkeys(path[:depth] for path in paths if path[: depth - 1] == at and len(path) >= depth))
        decisive = set(children) & {path[:depth] for path in self._once}
        only = bool(at) and len(decisive) == 1
        fields: list[tuple[Any, ...]] = []
        renamed: dict[str, str] = {}
        for child in children:
            name = self._attributes[child] = f"f{len(self._attributes)}"
            renamed[name] = child[-1]
            if child in decisive:
                kind = self._apart(child) if child in self._leaves else self._struct(paths, child)
                fields.append((name, kind) if only else (name, kind, None))
            elif child in self._leaves:
                fields.append((name, Any, None))
            else:
                inner = self._struct(paths, child)
                fields.append((name, inner | None, msgspec.field(default_factory=inner)))
        checks = _one_of([self._attributes[child] for child in decisive]) if at and len(decisive) > 1 else {}
        return msgspec.defstruct(
            f"At{len(self._attributes)}", fields, rename=renamed, gc=False, kw_only=True, namespace=checks
        )

    def _apart(self, path: Path) -> type:
        """A type of its own, for whose sake the decoder asks what to make of the value."""
        kind = type("Given", (Given,), {})
        self._given[path] = kind()
        return kind


def _one_of(names: Sequence[str]) -> dict[str, Any]:
    """What makes a struct refuse to have none of these."""

    def check(struct: object) -> None:
        if all(getattr(struct, name) is None for name in names):
            raise ValueError("none of the values is there")

    return {"__post_init__": check}


def _leaves(paths: Sequence[Path]) -> set[Path]:
    """Where decoding goes over from structs to plain values: a path's end, or what holds a list."""
    ends = set()
    for path in paths:
        listed = next((n for n, step in enumerate(path) if INDEX.fullmatch(step)), len(path))
        ends.add(path[:listed])
    return {end for end in ends if not any(end[:shorter] in ends for shorter in range(1, len(end)))}
