"""Which generations of a source are known. Runs ahead of the store, as the reading does; `reload` goes back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.sources.rotated import all_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from log_sentinel.model.lines import Checkpoint
    from log_sentinel.sources.checkpoints import Checkpoints

Key = tuple[int, int]


class Known:
    """Rows by id, by device and inode, and by the names their files may have had."""

    def __init__(self, source: str, checkpoints: Checkpoints) -> None:
        self.source = source
        self._checkpoints = checkpoints
        self._rows: dict[int, Checkpoint] = {}
        self._by_key: dict[Key, set[int]] = {}
        self._by_name: dict[str, set[int]] = {}

    def stored(self) -> dict[int, Checkpoint]:
        return {row.generation: row for row in self._checkpoints.known(self.source)}

    def reload(self) -> dict[int, Checkpoint]:
        stored = self.stored()
        self._rows, self._by_key, self._by_name = {}, {}, {}
        for row in stored.values():
            self.note(row)
        return stored

    def rows(self) -> Iterable[Checkpoint]:
        return self._rows.values()

    def note(self, row: Checkpoint) -> None:
        known = self._rows.get(row.generation)
        self._rows[row.generation] = row
        if known is not None and (known.path, known.device, known.inode) == (row.path, row.device, row.inode):
            return
        if known is not None:
            self._by_key[known.device, known.inode].discard(known.generation)
            for name in all_names(known.path):
                self._by_name[name].discard(known.generation)
        self._by_key.setdefault((row.device, row.inode), set()).add(row.generation)
        for name in all_names(row.path):
            self._by_name.setdefault(name, set()).add(row.generation)

    def begin(self, row: Checkpoint) -> Checkpoint:
        """Stores a generation that was not known."""
        begun = self._checkpoints.begin(row)
        self.note(begun)
        return begun

    def family(self, path: str) -> list[Checkpoint]:
        """Generations that had the name of `path`, or that rotation may have moved to it or from it."""
        found = {generation for name in all_names(path) for generation in self._by_name.get(name, ())}
        return [self._rows[generation] for generation in sorted(found)]

    def has_lived(self, path: str) -> bool:
        return any(row.path == path for row in self.family(path))

    def with_key(self, key: Key) -> list[Checkpoint]:
        return [self._rows[generation] for generation in sorted(self._by_key.get(key, ()))]

    def mark(self, row: Checkpoint) -> None:
        """Stores a row of which no lines wait to be committed. Whatever the store raises goes through."""
        self._checkpoints.mark(row)
        self.note(row)
