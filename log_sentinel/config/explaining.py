"""Turns what pydantic found into mistakes that name the file, the key, the value and what would be right."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from log_sentinel.config import environment
from log_sentinel.config.mistakes import Mistake, nearest
from log_sentinel.config.places import FILE, Path, Place, at, below, value_at

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from log_sentinel.config.layers import Merged
    from log_sentinel.config.redaction import Redaction

LONGEST_SHOWN = 80

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
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "at least {min_length}",
    "too_long": "at most {max_length}",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "text of the form {pattern}",
}
TABLES = {"model_type", "model_attributes_type", "dict_type", "dataclass_type"}
LISTS = {"list_type", "tuple_type", "set_type", "frozen_set_type"}
CONSTANTS = {"literal_error", "enum", "union_tag_invalid", "union_tag_not_found"}


def mistakes(error: ValidationError, model: object, merged: Merged, redact: Redaction) -> list[Mistake]:
    """A mistake for each of the error's findings, in the order of the sections."""
    return [_mistake(finding, model, merged, redact) for finding in error.errors(include_url=False)]


def _mistake(finding: ErrorDetails, model: object, merged: Merged, redact: Redaction) -> Mistake:
    kind, context = finding["type"], finding.get("ctx", {})
    path = _path(finding["loc"], model, merged.values)
    if kind.startswith("union_tag"):
        path = (*path, str(context["discriminator"]).strip("'"))
    layer, key = merged.origin(path), ".".join(map(str, path))
    origin = layer.name if layer else "settings"
    if kind == "extra_forbidden":
        return _unknown(path, key, origin, model, merged)
    place, value = at(model, merged.values, path), value_at(merged.values, path)
    if kind == "value_error" and (isinstance(value, Mapping) or value is None):
        return Mistake(origin, key, redact.known(str(context["error"])))
    found = "missing" if kind in ("missing", "union_tag_not_found") else _got(place, value, redact)
    if kind in CONSTANTS:
        constants = place.constants
        listed = f"one of {', '.join(constants)}" if len(constants) > 1 else f"only {''.join(constants)} is possible"
        return Mistake(origin, key, found, listed, nearest(value, constants) if isinstance(value, str) else None)
    return Mistake(origin, key, found, _allowed(finding, key, place, redact))


def _allowed(finding: ErrorDetails, key: str, place: Place, redact: Redaction) -> str:
    kind, context = finding["type"], finding.get("ctx", {})
    if kind == "missing":
        return "it must be set"
    if kind in TABLES:
        return f"a table, as in [{key}]"
    if kind in LISTS:
        return f"a list of tables, each under [[{key}]]" if place.child(0, []).sections else 'a list, as in ["a", "b"]'
    if kind == "value_error":
        return redact.known(str(context["error"]))
    if kind in WANTED:
        figures = {name: f"{figure:g}" if isinstance(figure, float) else figure for name, figure in context.items()}
        return WANTED[kind].format(**figures)
    return redact(finding["msg"].lower())


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


def _got(place: Place, value: object, redact: Redaction) -> str:
    if place.is_secret or not place.wants:
        return "the value does not fit (a secret, so it is not shown)"
    if isinstance(value, Mapping):
        return "got a table"
    if isinstance(value, list):
        return "got a list" if value else "got an empty list"
    if place.sections:
        return "got a single value"
    text = json.dumps(redact(value)) if isinstance(value, str) else json.dumps(value, default=str)
    return f"got {text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + '...'}"


def _unknown(path: Path, key: str, origin: str, model: object, merged: Merged) -> Mistake:
    known = at(model, merged.values, path[:-1]).keys(value_at(merged.values, path[:-1]))
    allowed = [*known, *(name + FILE for name, place in known.items() if place.is_secret)]
    meant = nearest(str(path[-1]).lower(), allowed)
    said = "" if meant else f"here are {', '.join(sorted(known))}"
    if origin.upper().startswith(environment.PREFIX):
        variable = meant and environment.variable((*path[:-1], meant))
        return Mistake(origin, "", f"there is no setting {key}", said, variable)
    return Mistake(origin, key, "unknown key", said, meant)
