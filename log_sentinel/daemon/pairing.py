"""Which of the files of a pass are error logs, and the requests of which source each of them explains.

An error log is known by its entries. Whose it is the settings say, else its name (`shop.error.log` belongs to
`shop.access.log`), else there is one access log only and it belongs to that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from log_sentinel.daemon.error_logs import error_log_in
from log_sentinel.daemon.naming import STDIN, explained_by, source_name, with_live
from log_sentinel.parsing.guessing import LINES, guess

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from log_sentinel.daemon.settings import Settings
    from log_sentinel.parsing.definitions import Definition
    from log_sentinel.parsing.error_logs import ErrorLog


class WhoseErrorLog(Exception):
    """Nothing says which requests the error log `path` is about; there are those of `accesses`."""

    def __init__(self, path: str, accesses: Collection[str]) -> None:
        self.path, self.accesses = path, accesses
        among = f"it may be that of any of {', '.join(sorted(accesses))}" if accesses else "its access log is not named"
        super().__init__(
            f"{path}: this is an error log, and {among}. Ingest it together with its access log and no other, or set "
            "`error_log` of that log's source."
        )


@dataclass(slots=True)
class Pairs:
    """`explains`: of each path that is an error log, the source whose requests it explains, None when nothing tells.

    `accesses`: the sources of the other paths.
    """

    explains: dict[str, str | None] = field(default_factory=dict)
    accesses: set[str] = field(default_factory=set)

    def beside(self, source: str) -> bool:
        """Whether an error log of `source` is among the paths."""
        return source in self.explains.values()


def paired(
    paths: Sequence[str],
    head: Callable[[str], bytes],
    settings: Settings,
    error_logs: Mapping[str, ErrorLog],
    formats: Collection[Definition],
) -> Pairs:
    """`head` gives the first lines of a path or raises OSError; `formats` are those that its requests may be in."""
    found = Pairs()
    for path in paths:
        if path != STDIN and _is_error_log(path, head, error_logs, formats):
            found.explains[path] = None
        else:
            found.accesses.add(source_name(settings, path))
    for path in found.explains:
        found.explains[path] = _whose(path, found.accesses, settings)
    return found


def _is_error_log(
    path: str, head: Callable[[str], bytes], error_logs: Mapping[str, ErrorLog], formats: Collection[Definition]
) -> bool:
    """More of its first lines are entries than requests: a request can be written to look like an entry."""
    try:
        first = head(path)
    except OSError:
        return False
    _, entries = error_log_in(first, error_logs)
    if not entries:
        return False
    requests = guess(first, formats)
    return requests is None or entries > requests.confidence * min(LINES, first.count(b"\n") + 1)


def _whose(path: str, accesses: Collection[str], settings: Settings) -> str | None:
    configured = explained_by(settings, path)
    if configured is not None:
        return configured
    live = with_live(path)[1]
    twin = source_name(settings, str(live.with_name(live.name.replace("error", "access"))))
    if twin in accesses or (not accesses and "error" in live.name):
        return twin
    return next(iter(accesses)) if len(accesses) == 1 else None
