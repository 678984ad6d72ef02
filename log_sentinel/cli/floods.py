"""Keeps our own log from flooding: what a client can make us say a million times is said a few times, and counted.

Of one event of one logger so many records a period pass. How many were held back is said with the first record of
whatever event that comes after the period.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

PERIOD_SECONDS = 60.0
MOST = 20
# Events are ours and few; those of libraries may have values in them.
MOST_EVENTS = 1000

Key = tuple[str, str]


@dataclass(slots=True)
class _Period:
    ends: float
    passed: int = 0
    held_back: int = 0


class Floods(logging.Filter):
    """A filter for a handler. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._periods: dict[Key, _Period] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record may pass."""
        with self._lock:
            now = self._clock()
            over = {key: period for key, period in self._periods.items() if period.ends <= now}
            for key in over:
                del self._periods[key]
            passes = self._passes(_key_of(record), now)
        for (name, event), period in over.items():
            if period.held_back:
                structlog.get_logger(name).warning(
                    "the same was said too often; some of it was held back", what=event, held_back=period.held_back
                )
        return passes

    def _passes(self, key: Key, now: float) -> bool:
        if len(self._periods) >= MOST_EVENTS and key not in self._periods:
            return True
        period = self._periods.setdefault(key, _Period(now + PERIOD_SECONDS))
        if period.passed < MOST:
            period.passed += 1
            return True
        period.held_back += 1
        return False


def _key_of(record: logging.LogRecord) -> Key:
    """structlog's records are a mapping until they are rendered, those of libraries a text with placeholders."""
    said = record.msg.get("event") if isinstance(record.msg, dict) else record.msg
    return record.name, str(said)[:200]
