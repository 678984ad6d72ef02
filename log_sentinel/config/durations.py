"""Durations as people write them: 10s, 5m, 24h, 90d, 2w."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
WRITTEN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|[smhdw])\s*", re.ASCII)


def parse(text: object) -> timedelta:
    """`text` as a duration. Raises ValueError with what would be right."""
    if isinstance(text, timedelta):
        return text
    found = WRITTEN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError('a duration is a number and a unit (ms, s, m, h, d, w), as in "10s", "5m", "24h" or "90d"')
    return timedelta(**{UNITS[found[2]]: float(found[1])})


def written(duration: timedelta) -> str:
    """`duration` in the largest unit that holds it whole."""
    milliseconds = round(duration.total_seconds() * 1000)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


Duration = Annotated[timedelta, BeforeValidator(parse), PlainSerializer(written)]
