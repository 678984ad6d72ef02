"""One pass over files into the store: each from where it was left, or from its beginning, to its end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from log_sentinel.daemon.error_logs import ErrorLogs, error_log_definitions, source_of
from log_sentinel.daemon.ingest import Ingest, Reading
from log_sentinel.daemon.naming import STDIN, source_name
from log_sentinel.daemon.pairing import WhoseErrorLog, paired
from log_sentinel.daemon.readings import chooser, concealing_for, definitions, options_for
from log_sentinel.parsing.directive import from_directive
from log_sentinel.sources.envelopes import envelopes_of
from log_sentinel.sources.once import OncePass
from log_sentinel.store.appending import append
from log_sentinel.store.generations import StoredCheckpoints

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from log_sentinel.config.load import Loaded
    from log_sentinel.daemon.judging import Format
    from log_sentinel.daemon.settings import Settings
    from log_sentinel.daemon.tally import Tally
    from log_sentinel.parsing.options import ParseOptions
    from log_sentinel.store.engine import Database

PROGRESS_SECONDS = 0.1


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


class Pass:
    """Carries files into the store, one after the other, and counts in `tally`.

    `format_name` or `directive` say how all of them are read; without either it is what the settings say of the source,
    or guessed. Error logs among `paths` explain the requests of the others, whichever comes first; `head` gives the
    first lines of a path. `zone` is that of times without an offset, in place of the settings'.
    """

    def __init__(
        self,
        database: Database,
        loaded: Loaded[Settings],
        tally: Tally,
        paths: Sequence[str],
        head: Callable[[str], bytes],
        *,
        format_name: str | None,
        directive: str | None,
        zone: str | None,
        progress: Progress,
    ) -> None:
        self._database, self._settings, self._tally = database, loaded.settings, tally
        self._known = definitions(loaded.settings, loaded.folder)
        self._format_name, self._directive, self._zone = format_name, directive, zone
        self._progress = progress
        known = error_log_definitions(loaded.settings, loaded.folder)
        self._error_logs = ErrorLogs(known, concealing_for(loaded.settings))
        formats = self._known.values() if directive is None else [from_directive(directive)]
        self._pairs = paired(paths, head, loaded.settings, known, formats)

    @property
    def has_error_logs(self) -> bool:
        return bool(self._pairs.explains)

    def over(self, path: str, stdin: BinaryIO) -> list[str]:
        """Reads `path` (`-`: `stdin`), one of the paths, to its end; gives what kept it from being read whole.

        Raises OSError when there is no such file, NoFormat when no format fits, WhoseErrorLog when nothing says whose
        error log it is, StoreError when the database fails.
        """
        name, choose = self._reader(path)
        checkpoints = StoredCheckpoints(self._database, self._settings.instance)
        source = OncePass(
            name,
            path,
            checkpoints,
            stream=stdin if path == STDIN else None,
            envelopes=envelopes_of(self._settings.sources.get(name)),
        )
        reading = Reading(source, choose)
        ingest = Ingest(
            [reading],
            lambda commit: append(self._database, commit, explain=self._error_logs.explain),
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

    def _reader(self, path: str) -> tuple[str, Callable[[bytes], Format | None]]:
        """What the source of `path` is called, and how its format is found."""
        if path not in self._pairs.explains:
            name = source_name(self._settings, path)
            return name, self._chooser(name)
        explained = self._pairs.explains[path]
        if explained is None:
            raise WhoseErrorLog(path, self._pairs.accesses)
        return source_of(explained), self._error_logs.chooser(explained, self._options(explained).zone)

    def _chooser(self, name: str) -> Callable[[bytes], Format | None]:
        asked = self._format_name is not None or self._directive is not None
        source = None if asked else self._settings.sources.get(name)
        return chooser(
            name,
            self._known,
            self._options(name),
            format_name=source.format if source else self._format_name,
            directive=source.log_format if source else self._directive,
            key="--format" if asked else f"sources.{name}.format",
        )

    def _options(self, name: str) -> ParseOptions:
        options = options_for(self._settings, self._settings.sources.get(name))
        beside = options.error_log or self._pairs.beside(name)
        return replace(options, error_log=beside, zone=self._zone or options.zone)
