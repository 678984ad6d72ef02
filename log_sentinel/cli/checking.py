"""What `config check` looks at beyond the settings' own shape: rules, formats and the names that must fit together."""

from __future__ import annotations

import glob
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from log_sentinel.cli import opening
from log_sentinel.cli.exits import BAD_SETTINGS, Failed
from log_sentinel.config.mistakes import Mistake, nearest
from log_sentinel.daemon.findings.finding import Finding, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from log_sentinel.config.load import Loaded
    from log_sentinel.daemon.settings import Settings
    from log_sentinel.parsing.definitions import Definition
    from log_sentinel.sources.settings import SourceSettings


def findings(loaded: Loaded[Settings]) -> list[Finding]:
    """Everything that was looked at, in the order of the data's way. Opens no connection and reads no log."""
    parts: tuple[Callable[[Loaded[Settings]], Iterator[Finding]], ...] = (
        _files,
        _formats,
        _sources,
        _rules,
        _maintenance,
        _channels,
        _routing,
    )
    return [finding for part in parts for finding in part(loaded)]


def refuse(found: Sequence[Finding]) -> None:
    """Raises Failed with every mistake among the findings, if there is any."""
    wrong = [finding.says for finding in found if finding.state is State.WRONG]
    if wrong:
        raise Failed("\n".join(wrong), BAD_SETTINGS)


def _files(loaded: Loaded[Settings]) -> Iterator[Finding]:
    said = ", ".join(map(str, loaded.files)) or "no settings file was found, the defaults hold"
    yield Finding(State.FINE if loaded.files else State.NOTE, "settings", said)
    for path in loaded.files:
        text = path.read_text(encoding="utf-8")
        if path.stat().st_mode & stat.S_IROTH and any(secret in text for secret in loaded.secrets):
            yield Finding(
                State.NOTE,
                "settings",
                f"{path}: every user of this machine can read the secrets in it. Run `chmod o-r {path}`, or put them "
                "into files of their own (token_file)",
            )


def _formats(loaded: Loaded[Settings]) -> Iterator[Finding]:
    from log_sentinel.parsing.definitions import BadDefinition

    try:
        known = opening.formats(loaded)
    except BadDefinition as bad:
        yield from (Finding(State.WRONG, "formats", sentence) for sentence in str(bad).splitlines())
    else:
        yield Finding(State.FINE, "formats", f"{len(known)}: {', '.join(sorted(known))}")


def _sources(loaded: Loaded[Settings]) -> Iterator[Finding]:
    from log_sentinel.parsing.definitions import BadDefinition

    try:
        known = opening.formats(loaded)
    except BadDefinition:
        known = {}  # told with the formats; whether a source's format is among them cannot be
    for name, source in loaded.settings.sources.items():
        yield _source(loaded, name, source, known)
    if not loaded.settings.sources:
        yield Finding(State.NOTE, "sources", "none; `run` watches the files that its command line names")


def _source(loaded: Loaded[Settings], name: str, source: SourceSettings, known: Mapping[str, Definition]) -> Finding:
    from log_sentinel.parsing.definitions import BadDefinition
    from log_sentinel.parsing.directive import from_directive

    what, key = f"source {name}", f"sources.{name}"
    if source.format is not None and known and source.format not in known:
        mistake = Mistake(
            _origin(loaded, f"{key}.format"),
            f"{key}.format",
            f'got "{source.format}"',
            f"one of {', '.join(sorted(known))}",
            nearest(source.format, known),
        )
        return Finding(State.WRONG, what, str(mistake))
    if source.log_format is not None:
        try:
            from_directive(source.log_format)
        except BadDefinition as bad:
            key = f"{key}.log_format"
            return Finding(State.WRONG, what, str(Mistake(_origin(loaded, key), key, "; ".join(bad.mistakes))))
    missing = _missing(source.path) if source.type == "file" else ""
    if missing:
        return Finding(State.NOTE, what, f"{_place(name, source)}: {missing}; it is read as soon as it can be")
    form = source.format or ("log_format" if source.log_format else "guessed")
    return Finding(State.FINE, what, f"{_place(name, source)}, format: {form}")


def _place(name: str, source: SourceSettings) -> str:
    """Where its lines come from."""
    match source.type:
        case "file":
            return source.path
        case "push":
            return f"POST /push/{name}"
        case "syslog":
            return f"syslog at {source.listen} ({', '.join(source.protocols)})"
        case "stdin":
            return "stdin"


def _missing(path: str) -> str:
    """Why no file of a path or glob can be read now, "" if one can."""
    found = glob.glob(path, recursive=True)  # noqa: PTH207  # the source's own globbing; Path's differs on dot files
    if not any(Path(name).exists() for name in found):
        return "no such file yet"
    return "" if any(os.access(name, os.R_OK) for name in found) else "this user may not read it"


def _rules(loaded: Loaded[Settings]) -> Iterator[Finding]:
    from log_sentinel.detection.rules import BadRule, rules_in_force

    try:
        rules = rules_in_force(loaded.settings.detection, loaded.folder)
    except BadRule as bad:
        yield from (Finding(State.WRONG, "rules", str(mistake)) for mistake in bad.mistakes)
    else:
        yield Finding(State.FINE, "rules", f"{len(rules)}: {', '.join(rule.name for rule in rules)}")


def _maintenance(loaded: Loaded[Settings]) -> Iterator[Finding]:
    from log_sentinel.detection.rules import BadRule, rules_in_force
    from log_sentinel.incidents.silences import matchable

    try:
        rules = rules_in_force(loaded.settings.detection, loaded.folder)
    except BadRule:
        return  # told with the rules; which labels there are cannot be
    known = matchable(rules)
    for name, window in loaded.settings.maintenance.items():
        what, key = f"maintenance {name}", f"maintenance.{name}.match"
        allowed = f"{', '.join(known)} can be matched"
        wrong = [
            Mistake(_origin(loaded, key), key, f'got "{word}"', allowed, nearest(word, known))
            for word in window.match
            if word not in known
        ]
        yield from (Finding(State.WRONG, what, str(mistake)) for mistake in wrong)
        if not wrong:
            yield Finding(State.FINE, what, str(window))


def _channels(loaded: Loaded[Settings]) -> Iterator[Finding]:
    from log_sentinel.delivery.settings import unknown_fallbacks

    channels = loaded.settings.channels
    for name, fallback in unknown_fallbacks(channels):
        others = [other for other in channels if other != name]
        key = f"channels.{name}.fallback"
        allowed = f"another of the channels: {', '.join(others) or 'there are none'}"
        wrong = Mistake(_origin(loaded, key), key, f'got "{fallback}"', allowed, nearest(fallback, others))
        yield Finding(State.WRONG, f"channel {name}", str(wrong))
    for name, channel in channels.items():
        yield Finding(State.FINE, f"channel {name}", f"{channel.type}; `log-sentinel channels test {name}` sends to it")
    if not channels:
        yield Finding(State.NOTE, "channels", "none; incidents are stored and nobody is told")


def _routing(loaded: Loaded[Settings]) -> Iterator[Finding]:
    from log_sentinel.delivery.settings import unknown_channels

    channels, routing = loaded.settings.channels, loaded.settings.routing
    wrong = [
        Mistake(
            _origin(loaded, "routing"),
            f"routing.{position}.to",
            f'got "{name}"',
            f"one of the channels: {', '.join(channels) or 'there are none'}",
            nearest(name, channels),
        )
        for position, name in unknown_channels(channels, routing)
    ]
    yield from (Finding(State.WRONG, "routing", str(mistake)) for mistake in wrong)
    if not wrong and routing:
        yield Finding(State.FINE, "routing", f"{len(routing)} routes, all to channels that there are")


def _origin(loaded: Loaded[Settings], key: str) -> str:
    return loaded.origins.get(key, "settings")
