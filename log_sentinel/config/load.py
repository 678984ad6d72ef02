"""Reads the settings: finds the file, merges its layers, resolves secrets, names every mistake at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from log_sentinel.config import environment, explaining, files, secret_files
from log_sentinel.config.layers import Layer, merged
from log_sentinel.config.mistakes import BadSettings, Mistake
from log_sentinel.config.places import Place
from log_sentinel.config.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BadSettings", "Loaded", "Mistake", "load"]

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Loaded(Generic[T]):
    """Settings and where they are from.

    `files` are those that were read, the main one first. `origins` has the file or variable of each value that was set,
    by its dotted path. `secrets` are the values that no output may hold.
    """

    settings: T
    files: tuple[Path, ...]
    origins: Mapping[str, str]
    secrets: frozenset[str] = field(repr=False)

    @property
    def folder(self) -> Path:
        """Where relative names in the settings are meant from."""
        return self.files[0].parent if self.files else Path()


def load(
    model: type[T],
    path: Path | None,
    environ: Mapping[str, str],
    options: Mapping[str, tuple[str, object]] | None = None,
) -> Loaded[T]:
    """The settings of `path`, or of the first file that is found without it, with the environment's over them.

    `options` are the command line's and win over both: the option's name and value by dotted path, as in
    `{"database.url": ("--db", "sqlite:///x.db")}`. Without any file the defaults hold.
    Raises BadSettings with every mistake there is.
    """
    main = files.find(path, environ)
    layers = files.read(main) if main is not None else []
    read = tuple(Path(layer.name) for layer in layers)
    layers += environment.read(environ, model, merged(layers).values)
    layers += [Layer(option, _nested(key, value)) for key, (option, value) in (options or {}).items()]
    whole = merged(layers)
    mistakes = secret_files.resolve(whole, model, environ)
    secrets = frozenset(secret_files.secrets(whole.values, Place.of(model)))
    settings = None
    try:
        settings = model.model_validate(whole.values)
    except ValidationError as error:
        mistakes += explaining.mistakes(error, model, whole, Redaction(secrets))
    if settings is None or mistakes:
        raise BadSettings(mistakes) from None
    origins = {".".join(map(str, path)): layer.name for path, layer in whole.origins.items()}
    return Loaded(settings, read, origins, secrets)


def _nested(key: str, value: object) -> dict[str, Any]:
    first, _, rest = key.partition(".")
    return {first: _nested(rest, value) if rest else value}
