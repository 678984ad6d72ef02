"""What a source's parser is told beside its format."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """What a source's parser is told beside its format.

    `statuses` are denials, `candidate_statuses` may turn out to be. `trusted_proxies` in CIDR notation. `zone` is
    that of times without an offset, where the definition names none. `route_cap` bounds the distinct routes of the
    source. `error_log` says that one is read beside it. `conceal` makes of a client's address the one that is counted
    and stored; None: it is that itself.
    """

    statuses: frozenset[int] = frozenset({403, 429})
    candidate_statuses: frozenset[int] = frozenset({503})
    trusted_proxies: tuple[str, ...] = ()
    zone: str = "UTC"
    route_cap: int = 2000
    error_log: bool = False
    conceal: Callable[[str], str] | None = None
