"""The error logs beside access logs: the format of each, and how its entries explain the requests of its source."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from log_sentinel.content import shipped
from log_sentinel.daemon.judging import Format
from log_sentinel.diagnosis.companions import explained
from log_sentinel.parsing.companions import LINE_LIMIT, ErrorLogParser
from log_sentinel.parsing.error_logs import ErrorLog, load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from log_sentinel.daemon.settings import Settings
    from log_sentinel.sources.settings import FileSource

log = structlog.get_logger(__name__)

FOLDER = "error-logs"
# Entries that tell which format they are in; the first of a file may be the tail of a stack trace.
LOOKED_AT = 200


def error_log_definitions(settings: Settings, folder: Path) -> dict[str, ErrorLog]:
    """The shipped formats of error logs, and over them those in `error-logs` of the user's folders.

    Raises BadDefinition.
    """
    folders = [shipped("parsers"), *(folder / Path(own) for own in settings.parsing.definitions)]
    found = [load(path) for place in folders for path in sorted((place / FOLDER).glob("*.toml"))]
    return {definition.name: definition for definition in found}


def source_of(name: str) -> str:
    """What the error log of the source `name` is called among the sources."""
    return f"{name}:error_log"


def settings_of(access: FileSource) -> FileSource:
    """The error log of `access` as a source: found, polled and timed as its access log is.

    Where both are one file, a container's, it is what the container wrote to stderr.
    """
    shared = access.model_dump(
        include={"zone", "start", "poll_every", "rotated", "hold_rotated", "max_line_bytes", "envelope"}
    )
    stream = "stderr" if access.error_log == access.path else "both"
    return type(access)(path=access.error_log or "", stream=stream, **shared)


def error_log_in(head: bytes, known: Mapping[str, ErrorLog]) -> tuple[ErrorLog | None, int]:
    """The format that most of the first lines are entries of, and how many are; None when no line is one."""
    lines = [line[:LINE_LIMIT].decode("utf-8", "replace").strip() for line in head.split(b"\n")[:LOOKED_AT]]
    fitting = {
        each.name: sum(re.fullmatch(each.entry, line, re.ASCII) is not None for line in lines)
        for each in known.values()
    }
    best = max(fitting, key=fitting.__getitem__, default=None)
    return (None, 0) if best is None or not fitting[best] else (known[best], fitting[best])


@dataclass(slots=True)
class ErrorLogs:
    """The formats of error logs; and of each source, once it is known, how entries and requests go together."""

    known: Mapping[str, ErrorLog]
    conceal: Callable[[str], str] | None = None
    explain: dict[str, Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]] = field(default_factory=dict)

    def chooser(self, name: str, zone: str) -> Callable[[bytes], Format | None]:
        """How the format of the error log of the source `name` is found; None while no entry is of a known format."""
        return lambda head: self._chosen(name, zone, head)

    def _chosen(self, name: str, zone: str, head: bytes) -> Format | None:
        definition, _ = error_log_in(head, self.known)
        if definition is None:
            return None
        log.info("format of the error log guessed", source=name, format=definition.name)
        self.explain[name] = partial(explained, definition=definition)
        return Format(ErrorLogParser(definition, zone, self.conceal), explains=name)
