"""Lines of a text format, read one at a time by the layout's linear expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.model.columns import EVIDENCE_PREFIX
from log_sentinel.parsing.careful import NO_FIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_sentinel.parsing.layout import Layout
    from log_sentinel.parsing.readings import Reading


class TextReader:
    """Reads a line into inputs. A field may stand twice in a format; its first place counts."""

    def __init__(
        self, layout: Layout, readings: Mapping[str, Reading], evidence: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._match = layout.pattern().match
        self.group_of: dict[str, int] = {}
        for number, cut in enumerate(layout.cuts, 1):
            self.group_of.setdefault(cut.name, number)
        wanted = {name: reading.fields for name, reading in readings.items()}
        wanted |= {EVIDENCE_PREFIX + name: fields for name, fields in evidence.items()}
        # input -> the groups it may come from, the first that is not "-" or empty
        self.groups: dict[str, tuple[int, ...]] = {
            name: tuple(self.group_of[field] for field in fields if field in self.group_of)
            for name, fields in wanted.items()
        }
        self.groups = {name: groups for name, groups in self.groups.items() if groups}
        self.names = tuple(self.groups)
        self._single = [(name, groups[0] - 1) for name, groups in self.groups.items() if len(groups) == 1]
        self._several = [(name, groups) for name, groups in self.groups.items() if len(groups) > 1]

    def read(self, line: bytes) -> tuple[dict[str, object]] | str:
        """The line's inputs, escapes still in place, or why there are none."""
        text = line.decode("utf-8", "replace")
        found = self._match(text.replace("\0", "\ufffd") if "\0" in text else text)
        if found is None:
            return NO_FIT
        values = found.groups()
        inputs: dict[str, object] = {name: values[index] for name, index in self._single}
        for name, groups in self._several:
            inputs[name] = first_given(values, groups)
        return (inputs,)


def first_given(values: tuple[str | None, ...], groups: tuple[int, ...]) -> str | None:
    """The first of these groups' values that is not missing; the first one's, whatever it is, where all are."""
    given = (value for group in groups if (value := values[group - 1]) not in ("", "-", None))
    return next(given, values[groups[0] - 1])
