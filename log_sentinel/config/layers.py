"""Settings come in layers: files in order, then the environment, then the command line; the later one wins.

Tables are merged key by key, everything else (lists too) is replaced as a whole. For each value it stays known which
layer it came from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from log_sentinel.config.places import Path


@dataclass(frozen=True)
class Layer:
    """`values` as they stood in `name`, a file or a variable; relative file names in them are meant from `folder`."""

    name: str
    values: dict[str, Any]
    folder: FilePath = FilePath()


@dataclass
class Merged:
    """All layers in one: `values`, and for each path in them the layer that set it last."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[Path, Layer] = field(default_factory=dict)

    def add(self, layer: Layer) -> None:
        self._merge(self.values, layer.values, layer, ())

    def origin(self, path: Path) -> Layer | None:
        """The layer that the value at `path` is from, or the table around it if it has none of its own."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return None

    def _merge(self, into: dict[str, Any], values: dict[str, Any], layer: Layer, path: Path) -> None:
        for key, value in values.items():
            here = (*path, key)
            if not (isinstance(into.get(key), dict) and isinstance(value, dict)):
                for known in [known for known in self.origins if known[: len(here)] == here]:
                    del self.origins[known]
                into[key] = {} if isinstance(value, dict) else value
                self.origins[here] = layer
            if isinstance(value, dict):
                self._merge(into[key], value, layer, here)


def merged(layers: Iterable[Layer]) -> Merged:
    """The layers over one another, the last on top."""
    result = Merged()
    for layer in layers:
        result.add(layer)
    return result
