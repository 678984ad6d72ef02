"""Lines of a text format, read one at a time by the layout's linear expression."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from log_sentinel.model.columns import EVIDENCE_PREFIX
from log_sentinel.parsing.careful import NO_FIT
from log_sentinel.parsing.escapes import from_haproxy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_sentinel.parsing.careful import Inputs
    from log_sentinel.parsing.layout import Layout
    from log_sentinel.parsing.readings import Reading


class TextReader:
    """Reads a line into inputs by the first of the layouts that it fits.

    A field may stand twice in a format; its first place counts.
    """

    def __init__(
        self, layouts: Sequence[Layout], readings: Mapping[str, Reading], evidence: Mapping[str, tuple[str, ...]]
    ) -> None:
        wanted = {name: reading.fields for name, reading in readings.items()}
        wanted |= {EVIDENCE_PREFIX + name: fields for name, fields in evidence.items()}
        # input -> the groups of the first layout that it may come from, the first that is given
        self.groups = _groups(layouts[0], wanted)
        self.names = tuple(dict.fromkeys(name for layout in layouts for name in _groups(layout, wanted)))
        self._variants = []
        for layout in layouts:
            groups = [_groups(layout, wanted).get(name, ()) for name in self.names]
            # what a layout lacks is taken from behind its last group
            firsts = itemgetter(*(numbers[0] - 1 if numbers else len(layout.cuts) for numbers in groups))
            several = [(place, numbers) for place, numbers in enumerate(groups) if len(numbers) > 1]
            shapes = [cut.shape for cut in layout.cuts] if layout.escape == "haproxy" else None
            self._variants.append((layout.pattern().match, firsts, several, shapes))

    def read(self, line: bytes) -> tuple[Inputs] | str:
        """The line's inputs, escapes still in place, or why there are none."""
        text = line.decode("utf-8", "replace")
        if "\0" in text:
            text = text.replace("\0", "\ufffd")
        for match, firsts, several, shapes in self._variants:
            found = match(text)
            if found is not None:
                values = found.groups()
                if shapes is not None and ("#" in text or "\\" in text):
                    values = tuple(map(from_haproxy, values, shapes))
                inputs = firsts((*values, None))
                if several:
                    chosen = list(inputs)
                    for place, numbers in several:
                        chosen[place] = first_given(values, numbers)
                    inputs = tuple(chosen)
                return (inputs,)
        return NO_FIT


def _groups(layout: Layout, wanted: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[int, ...]]:
    number_of: dict[str, int] = {}
    for number, cut in enumerate(layout.cuts, 1):
        number_of.setdefault(cut.name, number)
    groups = {
        name: tuple(number_of[field] for field in fields if field in number_of) for name, fields in wanted.items()
    }
    return {name: numbers for name, numbers in groups.items() if numbers}


def first_given(values: tuple[str | None, ...], groups: tuple[int, ...]) -> str | None:
    """The first of these groups' values that is not missing; the first one's, whatever it is, where all are."""
    given = (value for group in groups if (value := values[group - 1]) not in ("", "-", None))
    return next(given, values[groups[0] - 1])
