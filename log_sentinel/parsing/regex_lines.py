"""Lines of a format that only a regular expression describes: read one at a time, by named groups.

How long a line takes is up to the expression: one that backtracks can be made slow by whoever writes the line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from log_sentinel.model.columns import EVIDENCE_PREFIX
from log_sentinel.parsing.careful import NO_FIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_sentinel.parsing.careful import Inputs
    from log_sentinel.parsing.readings import Reading


class RegexReader:
    """Reads a line into inputs; the whole line must match."""

    def __init__(self, pattern: str, readings: Mapping[str, Reading], evidence: Mapping[str, tuple[str, ...]]) -> None:
        self._match = re.compile(pattern).fullmatch
        self._fields = {name: reading.fields for name, reading in readings.items()}
        self._fields |= {EVIDENCE_PREFIX + name: fields for name, fields in evidence.items()}
        self.names = tuple(self._fields)

    def read(self, line: bytes) -> tuple[Inputs] | str:
        """The line's inputs, escapes still in place, or why there are none."""
        found = self._match(line.decode("utf-8", "replace").replace("\0", "\ufffd"))
        if found is None:
            return NO_FIT
        groups = found.groupdict()
        return (
            tuple(
                next((value for field in fields if (value := groups.get(field)) not in (None, "", "-")), None)
                for fields in self._fields.values()
            ),
        )
