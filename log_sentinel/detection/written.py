"""Values as a rule file writes them, each read by a function that says what would be right.

Every reader takes what TOML gave and returns what the rule holds, or raises ValueError with the second half of a
message: what was found; what is allowed.
"""

from __future__ import annotations

import difflib
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from log_sentinel.config import durations

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

Choice = TypeVar("Choice", bound=StrEnum)
Value = TypeVar("Value")


def did_you_mean(found: object, allowed: list[str]) -> str:
    """` Did you mean "x"?` when something allowed is near to what was found, else nothing."""
    near = difflib.get_close_matches(str(found), allowed, n=1)
    return f' Did you mean "{near[0]}"?' if near else ""


def shown(found: object) -> str:
    """What was found, as a person would recognise it, on one line and short."""
    text = f'"{found}"' if isinstance(found, str) else str(found)
    return text if len(text) <= 60 else text[:57] + "..."


def text(found: object) -> str:
    if not isinstance(found, str) or not found.strip():
        raise ValueError(f"got {shown(found)}; a text is needed.")
    return found.strip()


def names(found: object) -> tuple[str, ...]:
    if not isinstance(found, list) or not found or not all(isinstance(name, str) and name.strip() for name in found):
        raise ValueError(f'got {shown(found)}; a list of texts, as in ["route-spike"].')
    return tuple(found)


def choice(kinds: type[Choice], found: object, apart_from: Collection[Choice] = ()) -> Choice:
    allowed = [kind.value for kind in kinds if kind not in apart_from]
    if found not in allowed:
        raise ValueError(f"got {shown(found)}; one of {', '.join(allowed)}.{did_you_mean(found, allowed)}")
    return kinds(str(found))


def choices(kinds: type[Choice], found: object) -> tuple[Choice, ...]:
    """One or a list of them."""
    listed = found if isinstance(found, list) and found else [found]
    return tuple(choice(kinds, one) for one in listed)


def count(found: object) -> int:
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise ValueError(f"got {shown(found)}; a whole number from 1 on.")
    return found


def number(found: object) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < float("inf"):
        raise ValueError(f"got {shown(found)}; a number from 0 on.")
    return float(found)


def factor(found: object) -> float:
    """How many times: 1 or less would call the usual itself a spike, 0 would divide by zero."""
    times = number(found)
    if times <= 1:
        raise ValueError(f"got {shown(found)}; a number above 1, for the usual itself must not alarm.")
    return times


def share(found: object) -> float:
    part = number(found)
    if not 0 < part <= 1:
        raise ValueError(f"got {shown(found)}; a share above 0 and up to 1.")
    return part


def duration(found: object) -> timedelta:
    try:
        return durations.parse(found)
    except ValueError as error:
        raise ValueError(f"got {shown(found)}; {error}.") from error


def minutes(found: object, most: int) -> int:
    """Whole minutes from 1 to `most`."""
    span = duration(found)
    whole, rest = divmod(span, timedelta(minutes=1))
    if rest or not 1 <= whole <= most:
        raise ValueError(f"got {shown(found)}; whole minutes from 1m to {most}m.")
    return whole


def history(found: object) -> timedelta:
    """Over how long the usual is taken; over no time there is no usual, only a division by zero."""
    span = duration(found)
    if not timedelta(hours=1) <= span <= timedelta(days=30):
        raise ValueError(f"got {shown(found)}; from 1h to 30d.")
    return span


def statuses(found: object) -> tuple[int, ...]:
    if not isinstance(found, list) or not found:
        raise ValueError(f"got {shown(found)}; a list of statuses, as in [403, 429].")
    for status in found:
        if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
            raise ValueError(f"got {shown(status)}; a status is 100 to 599.")
    return tuple(sorted(set(found)))


def texts(found: object) -> dict[str, str]:
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ValueError(f'got {shown(found)}; a table of texts, as in {{ team = "edge" }}.')
    return {str(key): value for key, value in found.items()}


def filters(found: object, columns: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """`where`: a column and the value or the values it may have."""
    if not isinstance(found, dict):
        # a mistake in a file, not in a call
        raise ValueError(f'got {shown(found)}; a table of columns and values, as in {{ route = "/login" }}.')  # noqa: TRY004
    read = []
    for column, values in found.items():
        if column not in columns:
            raise ValueError(
                f"got {shown(column)}; a column is one of {', '.join(columns)}.{did_you_mean(column, list(columns))}"
            )
        listed = values if isinstance(values, list) else [values]
        if not listed or not all(isinstance(value, str) and value for value in listed):
            raise ValueError(f"{column} is {shown(values)}; a text or a list of texts is needed.")
        read.append((str(column), tuple(sorted(listed))))
    return tuple(sorted(read))


def per_column(
    found: object, columns: tuple[str, ...], read: Callable[[object], Value]
) -> tuple[tuple[str, Value], ...]:
    """A table of columns, each with what `read` takes."""
    if not isinstance(found, dict) or not found:
        # a mistake in a file, not in a call
        raise ValueError(f"got {shown(found)}; a table of columns, as in {{ route = 20 }}.")
    values = []
    for column, value in found.items():
        if column not in columns:
            raise ValueError(
                f"got {shown(column)}; a column is one of {', '.join(columns)}.{did_you_mean(column, list(columns))}"
            )
        try:
            values.append((str(column), read(value)))
        except ValueError as error:
            raise ValueError(f"{column}: {error}") from None
    return tuple(sorted(values))


def counts(found: object) -> tuple[int, ...]:
    """`"2x10 40x5 2"`: ten minutes of 2, five of 40, one of 2; or a list of numbers."""
    if (
        isinstance(found, list)
        and found
        and all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in found)
    ):
        return tuple(found)
    read: list[int] = []
    for word in found.split() if isinstance(found, str) else ():
        each, _, repeated = word.partition("x")
        if not (each.isdecimal() and (repeated or "1").isdecimal()) or len(word) > 12:
            break
        read += [int(each)] * min(int(repeated or "1"), 10_000)
    else:
        if read:
            return tuple(read)
    raise ValueError(f'got {shown(found)}; counts minute by minute, as in "2x10 40x5 2x30" or [2, 2, 40].')
