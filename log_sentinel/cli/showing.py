"""The settings as rows: each key, its value as TOML would have it, and where it came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretStr

from log_sentinel.config.durations import written
from log_sentinel.config.redaction import MASK, Redaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_sentinel.config.load import Loaded

DEFAULT = "default"


def shown(loaded: Loaded[Any]) -> list[tuple[str, str, str]]:
    """(key, value, from) of every setting, in the order of the sections. What has no value is left out."""
    return [
        (key, _toml(value, loaded.secrets), loaded.origins.get(key, DEFAULT))
        for key, value in _leaves("", loaded.settings)
    ]


def _leaves(key: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, BaseModel | Mapping):
        for name, inner in _items(value):
            yield from _leaves(f"{key}.{name}" if key else name, inner)
    elif value is not None:
        yield key, value


def _items(value: BaseModel | Mapping[str, object]) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        yield from value.items()
        return
    for name, field in type(value).model_fields.items():
        yield field.alias or name, getattr(value, name)


def _toml(value: object, secrets: frozenset[str]) -> str:
    if isinstance(value, SecretStr):
        return json.dumps(_masked(value.get_secret_value(), secrets))
    if isinstance(value, BaseModel | Mapping):
        inner = ", ".join(f"{name} = {_toml(one, secrets)}" for name, one in _items(value) if one is not None)
        return f"{{ {inner} }}"
    if isinstance(value, set | frozenset):
        value = sorted(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(one, secrets) for one in value)}]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    text = written(value) if isinstance(value, timedelta) else str(value)
    return json.dumps(Redaction(secrets)(text), ensure_ascii=False)


def _masked(secret: str, secrets: frozenset[str]) -> str:
    """A URL keeps all but its password; every other secret is masked whole, its length too."""
    scheme, separator, _ = secret.partition("://")
    if separator and scheme not in ("http", "https"):
        return Redaction(secrets)(secret)
    return MASK
