"""Which parser reads which source: the format its settings name, the directive they hold, or the one its lines fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from log_sentinel.config.mistakes import BadSettings, Mistake, nearest
from log_sentinel.content import shipped
from log_sentinel.daemon.judging import Format
from log_sentinel.parsing.compiling import ParseOptions, compiled
from log_sentinel.parsing.definitions import load_folders
from log_sentinel.parsing.directive import from_directive
from log_sentinel.parsing.guessing import guess
from log_sentinel.parsing.mixed import MixedParser
from log_sentinel.parsing.pseudonyms import concealing
from log_sentinel.sources.settings import FileSource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from log_sentinel.daemon.settings import Settings
    from log_sentinel.parsing.definitions import Definition
    from log_sentinel.sources.settings import SourceSettings

log = structlog.get_logger(__name__)


def definitions(settings: Settings, folder: Path) -> dict[str, Definition]:
    """The shipped formats, and over them those of the folders that the settings name, relative ones from `folder`.

    Raises BadDefinition.
    """
    return load_folders([shipped("parsers"), *(folder / Path(own) for own in settings.parsing.definitions)])


def options_for(settings: Settings, source: SourceSettings | None = None) -> ParseOptions:
    """What the parser of a source (None: of a file nobody configured) must know besides its format."""
    denials = settings.denials
    options = ParseOptions(denials.statuses, denials.candidate_statuses, conceal=concealing_for(settings))
    if source is None:
        return options
    beside = isinstance(source, FileSource) and source.error_log is not None
    return replace(options, trusted_proxies=source.trusted_proxies, zone=source.zone, error_log=beside)


def concealing_for(settings: Settings) -> Callable[[str], str] | None:
    """What makes of an address the one that is stored; None where that is the address itself."""
    key = settings.parsing.addresses_key
    return concealing(settings.parsing.addresses, key.get_secret_value() if key is not None else "")


def chooser(
    name: str,
    known: Mapping[str, Definition],
    options: ParseOptions,
    *,
    format_name: str | None = None,
    directive: str | None = None,
    origin: str = "",
    key: str = "--format",
) -> Callable[[bytes], Format | None]:
    """How the format of the source `name` is found from its first lines; the answer is None while no format fits them.

    Raises BadSettings (said of `key` in `origin`) when `format_name` is none of the known ones, BadDefinition when
    `directive` cannot be read.
    """
    if format_name is not None and format_name not in known:
        listed = f"one of {', '.join(sorted(known))}"
        raise BadSettings([Mistake(origin, key, f'got "{format_name}"', listed, nearest(format_name, known))])
    if format_name is not None or directive is not None:
        named = known[format_name] if format_name is not None else from_directive(directive or "")
        form = Format(compiled(named, options), (named,))
        return lambda _: form
    return _Guessing(name, known, options)


class _Guessing:
    """Says once which format it took, or that none fits yet."""

    def __init__(self, name: str, known: Mapping[str, Definition], options: ParseOptions) -> None:
        self._name, self._known, self._options = name, known, options
        self._told = False

    def __call__(self, head: bytes) -> Format | None:
        found = guess(head, self._known.values())
        if found is not None:
            names = [found.name] if found.mixed_with is None else [found.name, found.mixed_with]
            log.info("format guessed", source=self._name, format=" and ".join(names), confidence=found.confidence)
            return _of_all([self._known[name] for name in names], self._options)
        if not self._told:
            log.warning(
                "no known format reads this source; its lines wait where they are. Name its format or its log_format",
                source=self._name,
            )
            self._told = True
        return None


def _of_all(definitions: list[Definition], options: ParseOptions) -> Format:
    parsers = [compiled(definition, options) for definition in definitions]
    return Format(parsers[0] if len(parsers) == 1 else MixedParser(parsers), tuple(definitions))
