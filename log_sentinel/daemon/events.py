"""The events of a file, batch by batch, as they would be stored; nothing is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.daemon.ingest import CHUNK_BYTES
from log_sentinel.daemon.judging import PASSED_OVER
from log_sentinel.daemon.naming import STDIN, source_name
from log_sentinel.daemon.once import NoFormat
from log_sentinel.daemon.readings import chooser, definitions, options_for
from log_sentinel.diagnosis.verdict import LIMITED
from log_sentinel.model.columns import EVIDENCE_PREFIX, JUDGED, empty
from log_sentinel.parsing.mixed import MixedParser
from log_sentinel.parsing.parser import Parser
from log_sentinel.sources.envelopes import envelopes_of
from log_sentinel.sources.once import OncePass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from log_sentinel.config.load import Loaded
    from log_sentinel.daemon.judging import Format
    from log_sentinel.daemon.settings import Settings
    from log_sentinel.model.lines import Checkpoint, Lines
    from log_sentinel.parsing.settings import DenialsSettings


@dataclass(frozen=True, slots=True)
class Looked:
    """`frame`: JUDGED columns, the verdict null where nothing was denied. `rejects`: line number, reason, sample."""

    frame: pl.DataFrame
    rejects: list[tuple[int, str, str]]


class Unremembered:
    """Checkpoints that nobody keeps: every pass begins at the beginning."""

    def __init__(self) -> None:
        self._generations = 0

    def known(self, _source: str) -> list[Checkpoint]:
        return []

    def begin(self, checkpoint: Checkpoint) -> Checkpoint:
        self._generations += 1
        return replace(checkpoint, generation=self._generations)

    def mark(self, checkpoint: Checkpoint) -> None:
        """Nothing is kept."""


def events(
    loaded: Loaded[Settings],
    path: str,
    stdin: BinaryIO,
    *,
    format_name: str | None,
    directive: str | None,
    zone: str | None,
    everything: bool,
) -> Iterator[Looked]:
    """The denied requests of `path` (`-`: `stdin`), or all of them; `zone` as `batches` has it.

    Raises OSError when there is no such file, NoFormat when no format reads it, BadSettings, BadDefinition.
    """
    line = 1
    for lines, form in batches(loaded, path, stdin, format_name=format_name, directive=directive, zone=zone):
        yield (
            _passed_over(lines, line)
            if form is None
            else _looked(lines, form, line, loaded.settings.denials, everything=everything)
        )
        line += lines.data.count(b"\n") + len(lines.skipped)


def batches(
    loaded: Loaded[Settings],
    path: str,
    stdin: BinaryIO,
    *,
    format_name: str | None,
    directive: str | None,
    zone: str | None = None,
) -> Iterator[tuple[Lines, Format | None]]:
    """The lines of `path` (`-`: `stdin`) and what reads them; None with a step that has no line.

    `zone` is that of times without an offset, in place of the settings'. Raises as `events`.
    """
    settings = loaded.settings
    name = source_name(settings, path)
    configured = settings.sources.get(name) if format_name is None and directive is None else None
    options = options_for(settings, settings.sources.get(name))
    choose = chooser(
        name,
        definitions(settings, loaded.folder),
        options if zone is None else replace(options, zone=zone),
        format_name=configured.format if configured else format_name,
        directive=configured.log_format if configured else directive,
    )
    stream = stdin if path == STDIN else None
    source = OncePass(name, path, Unremembered(), stream, envelopes=envelopes_of(settings.sources.get(name)))
    form = None
    try:
        while (lines := source.read(CHUNK_BYTES)) is not None:
            if lines.data:
                form = form or choose(lines.data)
                if form is None:
                    raise NoFormat(path)
            yield lines, form if lines.data else None
    finally:
        source.close()


def _passed_over(lines: Lines, first_line: int) -> Looked:
    return Looked(empty(JUDGED), _numbered(PASSED_OVER.parser.parse(lines).rejects, lines, first_line))


def _looked(lines: Lines, form: Format, first_line: int, denials: DenialsSettings, *, everything: bool) -> Looked:
    if not isinstance(form.parser, Parser | MixedParser):
        raise TypeError(f"{form.parser!r} reads no requests")
    found = form.parser.events(lines)
    denied = pl.col("status").is_in(sorted(denials.statuses))
    may_be = found.frame.filter(denied | pl.col("status").is_in(sorted(denials.candidate_statuses)))
    judged = form.judge(may_be).filter(denied | LIMITED)
    if everything:
        here = pl.col("origin_offset").is_in(judged["origin_offset"].to_list())
        others = found.frame.filter(~here).select(pl.exclude(f"^{EVIDENCE_PREFIX}.*$"))
        judged = pl.concat([judged, others], how="diagonal").sort("origin_offset").select(JUDGED.keys())
    return Looked(judged, _numbered(found.rejects, lines, first_line))


def _numbered(rejects: pl.DataFrame, lines: Lines, first_line: int) -> list[tuple[int, str, str]]:
    return [
        (first_line + _lines_before(lines, offset), reason, sample) for offset, reason, sample in rejects.iter_rows()
    ]


def _lines_before(lines: Lines, offset: int) -> int:
    before = sum(skipped < offset for skipped, _, _ in lines.skipped)
    if lines.offsets is not None:
        return before + sum(other < offset for other in lines.offsets)
    return before + lines.data.count(b"\n", 0, offset - lines.move.start)
