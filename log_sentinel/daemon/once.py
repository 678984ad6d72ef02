"""One pass over files into the store: each from where it was left, or from its beginning, to its end."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from log_sentinel.daemon.ingest import Ingest, Reading
from log_sentinel.daemon.readings import chooser, definitions, options_for
from log_sentinel.sources.envelopes import envelopes_of
from log_sentinel.sources.once import OncePass
from log_sentinel.sources.settings import FileSource
from log_sentinel.store.appending import append
from log_sentinel.store.generations import StoredCheckpoints

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from log_sentinel.config.load import Loaded
    from log_sentinel.daemon.judging import Format
    from log_sentinel.daemon.settings import Settings
    from log_sentinel.daemon.tally import Tally
    from log_sentinel.store.engine import Database

PROGRESS_SECONDS = 0.1
STDIN = "-"
# What rotation and compression put behind a log's name: access.log.1, access.log-20261124.gz
ROTATED = re.compile(r"([.-]\d+)*(\.(gz|zst))?$", re.ASCII)


class NoFormat(Exception):
    """No known format reads the first lines of `path`."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"{path}: no known format reads its first lines. Name one with --format "
            "(`log-sentinel formats list` shows them), or give the nginx directive with --log-format."
        )


class Progress(Protocol):
    """Shows how a file is read: entered with the file, it gives what to call now and then."""

    def __call__(self, path: str, source: OncePass) -> AbstractContextManager[Callable[[], None]]: ...


def source_name(settings: Settings, path: Path) -> str:
    """The configured source that follows `path` or its rotated siblings, so that both share checkpoints; else its stem.

    `access.log.2.gz` is of the same source as `access.log`.
    """
    path = path.absolute()
    live = path.with_name(ROTATED.sub("", path.name) or path.name) if path.name else path
    for name, source in settings.sources.items():
        if isinstance(source, FileSource) and any(one.match(source.path) for one in (path, live)):
            return name
    return live.stem or live.name or str(live)


class Pass:
    """Carries files into the store, one after the other, and counts in `tally`.

    `format_name` or `directive` say how all of them are read; without either it is what the settings say of the source,
    or guessed.
    """

    def __init__(
        self,
        database: Database,
        loaded: Loaded[Settings],
        tally: Tally,
        *,
        format_name: str | None,
        directive: str | None,
        progress: Progress,
    ) -> None:
        self._database, self._settings, self._tally = database, loaded.settings, tally
        self._known = definitions(loaded.settings, loaded.folder)
        self._format_name, self._directive = format_name, directive
        self._progress = progress

    def over(self, path: str, stdin: BinaryIO) -> list[str]:
        """Reads `path` (`-`: `stdin`) to its end; gives what kept it from being read whole.

        Raises OSError when there is no such file, NoFormat when no format fits, StoreError when the database fails.
        """
        name = "stdin" if path == STDIN else source_name(self._settings, Path(path))
        checkpoints = StoredCheckpoints(self._database, self._settings.instance)
        source = OncePass(
            name,
            path,
            checkpoints,
            stream=stdin if path == STDIN else None,
            envelopes=envelopes_of(self._settings.sources.get(name)),
        )
        reading = Reading(source, self._chooser(name))
        ingest = Ingest(
            [reading],
            lambda commit: append(self._database, commit),
            instance=self._settings.instance,
            tally=self._tally,
        )
        with self._progress(path, source) as advance:
            ingest.start()
            try:
                while not ingest.finished.wait(PROGRESS_SECONDS):
                    advance()
            finally:
                ingest.stop()
                source.close()
            advance()
        if ingest.failure is not None:
            raise ingest.failure
        if reading.format_unknown:
            raise NoFormat(path)
        return [str(problem) for problem in source.problems()]

    def _chooser(self, name: str) -> Callable[[bytes], Format | None]:
        asked = self._format_name is not None or self._directive is not None
        source = None if asked else self._settings.sources.get(name)
        return chooser(
            name,
            self._known,
            options_for(self._settings, self._settings.sources.get(name)),
            format_name=source.format if source else self._format_name,
            directive=source.log_format if source else self._directive,
            key="--format" if asked else f"sources.{name}.format",
        )
