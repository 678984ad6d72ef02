"""Single fields as text and as numbers, and nginx's lists of upstreams."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
V = TypeVar("V")

NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
LIST = re.compile(r"(, | : )")  # nginx: another peer was asked; the request was redirected internally
MILLISECONDS = {"s": 1000.0, "ms": 1.0, "us": 0.001, "ns": 0.000001}
TEXT_LIMIT, EVIDENCE_LIMIT, ATTEMPTS_KEPT = 512, 300, 16

# a status as text or as a JSON number; requests that never got one have 000 or 009 in nginx's logs, 0 in Envoy's and
# Caddy's, -1 in HAProxy's
STATUSES: dict[object, int] = {f"{code:03d}": code for code in range(1000)} | {
    code: code for code in (0, *range(2, 1000))
}
STATUSES |= {"0": 0, "-1": 0, -1: 0}


def text(value: object) -> str | None:
    """A field as text; None for what is missing ("", "-", null). The first of a list that holds texts, a header's
    values."""
    if isinstance(value, str):
        return None if value in ("", "-") else value
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list) and value and isinstance(value[0], str):
        return text(value[0])
    return None


def each(read: Callable[[V], T], values: Sequence[V]) -> list[T]:
    """What `read` makes of each value; it is asked once for each distinct one, since a log repeats itself."""
    try:
        distinct = {value: read(value) for value in set(values)}
    except TypeError:  # a list or an object is among them
        return [read(value) for value in values]
    if True in distinct or False in distinct:  # or 1 or 0, which are the same to a dictionary
        return [read(value) for value in values]
    return list(map(distinct.__getitem__, values))


def number(value: object) -> float | None:
    """A field as a number that is not negative; None for everything else."""
    if isinstance(value, str):
        return float(value) if NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e15 else None


def status(value: object) -> int | None:
    """A status from its three ASCII digits or from a number."""
    if value is False:  # 0 to a dictionary
        return None
    return STATUSES.get(value) if isinstance(value, str | int | float) else None


def statuses(values: Sequence[object]) -> list[int | None]:
    """Many statuses."""
    try:
        found = list(map(STATUSES.get, values))
    except TypeError:  # a list or an object is among them
        return list(map(status, values))
    return list(map(status, values)) if 0 in found else found


def scaled(value: float, unit: str) -> float:
    """`value` in `unit` as milliseconds."""
    return round(value * MILLISECONDS[unit], 6)


def evidence(value: object) -> str | None:
    """What the diagnosis reads: text of bounded length, an object or a list as JSON, None for what is missing or
    empty."""
    if isinstance(value, list | dict):
        return json.dumps(value)[:EVIDENCE_LIMIT] if value else None
    found = text(value)
    return found[:EVIDENCE_LIMIT] if found else None


def elements(value: str) -> list[str]:
    """The elements of an nginx upstream list, without its separators."""
    return LIST.split(value)[::2] if " " in value else [value]


def last_status(value: str | None) -> int | None:
    """The status that the last upstream asked gave."""
    code = STATUSES.get(elements(value)[-1]) if value else None
    return code if code is not None and code >= 100 else None


def total(value: str | None, unit: str) -> float | None:
    """Milliseconds that all upstreams asked took together."""
    if not value:
        return None
    found = [measured for each in elements(value) if (measured := number(each)) is not None]
    return scaled(sum(found), unit) if found else None


def attempts(addresses: str | None, statuses: str | None, times: str | None, unit: str) -> str | None:
    """JSON [{status, addr, ms, then}, ...] where more than one upstream was asked; `then`: retry or redirect."""
    if not statuses or " " not in statuses:
        return None
    parts = LIST.split(statuses)
    addrs, measured = elements(addresses or ""), elements(times or "")
    tries = []
    for index, code in enumerate(parts[::2]):
        attempt: dict[str, object] = {"status": last_status(code)}
        if index < len(addrs) and addrs[index]:
            attempt["addr"] = addrs[index][:TEXT_LIMIT]
        if index < len(measured) and (took := number(measured[index])) is not None:
            attempt["ms"] = scaled(took, unit)
        if 2 * index + 1 < len(parts):
            attempt["then"] = "retry" if parts[2 * index + 1] == ", " else "redirect"
        tries.append(attempt)
    return json.dumps(tries[:ATTEMPTS_KEPT])
