"""What the settings' type has at a path: which keys are allowed there, whether the value is a secret.

Validation errors name a path but neither the keys that would have been right nor whether a value may be shown, and
`KEY_file` exists for every secret without any section declaring it: both are read from the annotations here.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

FILE = "_file"
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """One place in the settings; `wants` are the annotations it may hold, unions taken apart and None left out."""

    wants: tuple[Any, ...]

    @classmethod
    def of(cls, annotation: object) -> Place:
        return cls(tuple(_alternatives(annotation)))

    @property
    def sections(self) -> tuple[type[BaseModel], ...]:
        return tuple(want for want in self.wants if isinstance(want, type) and issubclass(want, BaseModel))

    @property
    def is_secret(self) -> bool:
        """Whether a secret may stand here, or in a list or table that stands here."""
        return any(_holds_secret(want) for want in self.wants)

    @property
    def constants(self) -> tuple[str, ...]:
        """The texts that alone are allowed here, () where others are too."""
        found: list[str] = []
        for want in self.wants:
            if isinstance(want, type) and issubclass(want, Enum):
                found += (str(member.value) for member in want)
            elif get_origin(want) is Literal:
                found += map(str, get_args(want))
        return tuple(dict.fromkeys(found))

    @property
    def is_text(self) -> bool:
        """Whether the value is written as text: nothing here is a list, a table, a number or true/false."""
        return not any(
            want in (int, float, bool) or get_origin(want) in (list, tuple, set, frozenset, dict) for want in self.wants
        ) and not (self.sections)

    def meant(self, value: object) -> tuple[type[BaseModel], ...]:
        """The sections that `value` may be: those whose constant fields (`type = "slack"`) agree with it.

        A constant without a default must be there: so the kind that is meant when `type` is left out is told.
        """
        if not isinstance(value, Mapping):
            return self.sections
        agreeing = tuple(section for section in self.sections if _agrees(section, value))
        return agreeing or self.sections

    def keys(self, value: object) -> dict[str, Place]:
        """The keys that a table here may have, by name; empty where they are the user's own to choose."""
        found: dict[str, Place] = {}
        for section in self.meant(value):
            for name, field in section.model_fields.items():
                key = field.alias or name
                place = Place.of(field.annotation)
                found[key] = Place((*found[key].wants, *place.wants)) if key in found else place
        return found

    def child(self, key: str | int, value: object) -> Place:
        """The place `key` leads to from here, `value` being the table or list that stands here."""
        if isinstance(key, str) and self.sections:
            return self.keys(value).get(key, NOWHERE)
        found: list[Any] = []
        for want in self.wants:
            arguments = get_args(want)
            if isinstance(key, str) and _is_table(want) and len(arguments) == 2:
                found.extend(_alternatives(arguments[1]))
            elif isinstance(key, int) and not _is_table(want) and arguments and get_origin(want) is not Literal:
                found.extend(_alternatives(arguments[0]))
        return Place(tuple(found))


NOWHERE = Place(())


def at(root: object, values: object, path: Path) -> Place:
    """The place that `path` leads to in a settings type, given the values that stand there."""
    place, value = Place.of(root), values
    for key in path:
        place, value = place.child(key, value), below(value, key)
    return place


def below(value: object, key: str | int) -> object:
    """What stands under `key` in a table or list, None when nothing does."""
    if isinstance(value, Mapping):
        return value.get(key)
    if isinstance(value, Sequence) and not isinstance(value, str) and isinstance(key, int) and key < len(value):
        found: object = value[key]
        return found
    return None


def value_at(values: object, path: Path) -> object:
    """What stands at `path`, None when nothing does."""
    for key in path:
        values = below(values, key)
    return values


def _alternatives(annotation: object) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for argument in get_args(annotation):
            yield from _alternatives(argument)
    elif hasattr(annotation, "__value__"):  # `type X = ...`
        yield from _alternatives(annotation.__value__)
    elif annotation is not type(None) and annotation is not None:
        yield annotation


def _agrees(section: type[BaseModel], value: Mapping[str, object]) -> bool:
    for name, field in section.model_fields.items():
        allowed, key = Place.of(field.annotation).constants, field.alias or name
        if len(allowed) == 1 and (value[key] not in allowed if key in value else field.is_required()):
            return False
    return True


def _is_table(want: object) -> bool:
    origin = get_origin(want)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _holds_secret(want: object) -> bool:
    if isinstance(want, type) and issubclass(want, SecretStr):
        return True
    return any(_holds_secret(part) for argument in get_args(want) for part in _alternatives(argument))
