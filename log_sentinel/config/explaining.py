"""Turns what pydantic found into mistakes that name the file, the key, the value and what would be right."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from log_sentinel.config import environment
from log_sentinel.config.mistakes import Mistake, nearest
from log_sentinel.config.places import FILE, Path, Place, at, below, choices

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from log_sentinel.config.layers import Layer, Merged
    from log_sentinel.config.redaction import Redaction

LONGEST_SHOWN = 80
QUOTED = re.compile(r"'([^']*)'")

# What is wanted, by the type of pydantic's error: https://docs.pydantic.dev/latest/errors/validation_errors/
WANTED: dict[str, str] = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "text in quotes",
    "path_type": "a file's name in quotes",
    "list_type": 'a list, as in ["a", "b"]',
    "tuple_type": 'a list, as in ["a", "b"]',
    "set_type": 'a list, as in ["a", "b"]',
    "frozen_set_type": 'a list, as in ["a", "b"]',
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "text of the form {pattern}",
}
TABLES = {"model_type", "model_attributes_type", "dict_type", "dataclass_type"}


def mistakes(error: ValidationError, model: object, merged: Merged, redact: Redaction) -> list[Mistake]:
    """A mistake for each of the error's findings, in the order of the sections."""
    return [_mistake(finding, model, merged, redact) for finding in error.errors(include_url=False)]


def _mistake(finding: ErrorDetails, model: object, merged: Merged, redact: Redaction) -> Mistake:
    path = _path(finding["loc"], model, merged.values)
    kind, context = finding["type"], finding.get("ctx", {})
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        path = (*path, _tag(context))
    layer, key = merged.origin(path), ".".join(map(str, path))
    origin = layer.name if layer else "settings"
    if kind == "extra_forbidden":
        return _unknown(path, key, layer, model, merged)
    if kind == "missing":
        return Mistake(origin, key, "missing", "it must be set")
    if kind == "union_tag_not_found":
        return Mistake(origin, key, "missing", f"one of {', '.join(_tags(model, merged.values, path))}")
    place, value = at(model, merged.values, path), _value(merged.values, path)
    got = _got(place, value, redact)
    if kind in ("literal_error", "enum", "union_tag_invalid"):
        allowed = _expected(context)
        listed = f"one of {', '.join(allowed)}" if len(allowed) > 1 else f"only {''.join(allowed)} is possible"
        return Mistake(origin, key, got, listed, nearest(value, allowed) if isinstance(value, str) else None)
    if kind in TABLES:
        return Mistake(
            origin,
            key,
            got,
            f"a table, as in [{key}]" if "." in key or not place.sections else f"a section, as in [{key}]",
        )
    if kind == "value_error" and "error" in context:
        said = redact.known(str(context["error"]))
        return (
            Mistake(origin, key, said)
            if isinstance(value, Mapping) or value is None
            else Mistake(origin, key, got, said)
        )
    wanted = WANTED.get(kind)
    return Mistake(origin, key, got, redact(wanted.format(**context) if wanted else finding["msg"].lower()))


def _path(loc: Iterable[str | int], model: object, values: object) -> Path:
    """pydantic's location without the names of the union's members that it puts between the keys."""
    path: list[str | int] = []
    place, value = Place.of(model), values
    inside_union = False
    for key in loc:
        if inside_union:
            inside_union = False
            continue
        if key == "[key]":
            break
        path.append(key)
        place, value = place.child(key, value), below(value, key)
        inside_union = len(place.sections) > 1
    return tuple(path)


def _value(values: object, path: Path) -> object:
    for key in path:
        values = below(values, key)
    return values


def _got(place: Place, value: object, redact: Redaction) -> str:
    if place.is_secret or not place.wants:
        return "the value does not fit (a secret, so it is not shown)"
    if isinstance(value, Mapping):
        return "got a table"
    if isinstance(value, list):
        return "got a list"
    if place.sections:
        return "got a single value"
    text = json.dumps(redact(value)) if isinstance(value, str) else json.dumps(value, default=str)
    return f"got {text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + '...'}"


def _unknown(path: Path, key: str, layer: Layer | None, model: object, merged: Merged) -> Mistake:
    value = _value(merged.values, path[:-1])
    known = at(model, merged.values, path[:-1]).keys(value)
    allowed = [*known, *(name + FILE for name, place in known.items() if place.is_secret)]
    meant = nearest(str(path[-1]).lower(), allowed)
    origin = layer.name if layer else "settings"
    said = "" if meant else f"here are {', '.join(sorted(known))}"
    if origin.upper().startswith(environment.PREFIX):
        return Mistake(
            origin, "", f"there is no setting {key}", said, meant and environment.variable((*path[:-1], meant))
        )
    return Mistake(origin, key, "unknown key", said, meant)


def _tags(model: object, values: object, path: Path) -> list[str]:
    sections = at(model, values, path[:-1]).sections
    return [str(tag) for section in sections for tag in choices(section.model_fields[str(path[-1])])]


def _tag(context: Mapping[str, Any]) -> str:
    return str(context["discriminator"]).strip("'")


def _expected(context: Mapping[str, Any]) -> list[str]:
    return QUOTED.findall(str(context.get("expected_tags") or context.get("expected")))
