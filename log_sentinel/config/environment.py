"""Settings from the environment: LOG_SENTINEL__WEB__LISTEN is `listen` of `[web]`.

The parts of a name are matched without regard to case, "-" and "_" being the same, so that a channel called
`on-call` in the file can be reached; a name nobody uses yet becomes a lower-case key. Values are text as they stand;
where a list, a table, a number or true/false is wanted they are read as TOML.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from log_sentinel.config.layers import Layer
from log_sentinel.config.places import Place

PREFIX = "LOG_SENTINEL__"
SEPARATOR = "__"


def read(environ: Mapping[str, str], model: object, values: Mapping[str, Any]) -> Iterator[Layer]:
    """A layer for each variable with our prefix, in the order of their names; `values` is what the files say."""
    for variable in sorted(environ):
        if variable.upper().startswith(PREFIX):
            yield _layer(variable, environ[variable], Place.of(model), values)


def variable(path: tuple[str | int, ...]) -> str:
    """The name of the variable for a path of keys."""
    return PREFIX + SEPARATOR.join(str(key).upper().replace("-", "_") for key in path)


def _layer(variable: str, text: str, place: Place, values: object) -> Layer:
    layer: dict[str, Any] = {}
    into = layer
    *sections, last = variable[len(PREFIX) :].split(SEPARATOR)
    for section in sections:
        key = _key(section, values)
        place, values = place.child(key, values), values.get(key) if isinstance(values, Mapping) else None
        into[key] = into = {}
    key = _key(last, values)
    into[key] = text if _as_it_stands(place.child(key, values)) else _value(text)
    return Layer(variable, layer)


def _key(part: str, values: object) -> str:
    wanted = part.lower()
    known = values if isinstance(values, Mapping) else {}
    return next((key for key in known if str(key).lower().replace("-", "_") == wanted), wanted)


def _as_it_stands(place: Place) -> bool:
    return place.is_text


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}\n")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
