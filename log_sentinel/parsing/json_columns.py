"""Inputs of many JSON lines at once, column by column.

Lines are decoded a few hundred at a time: what is decoded is taken apart while it is still in the processor's cache,
and a line that cannot be read is looked for among few.
"""

from __future__ import annotations

from itertools import accumulate
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from log_sentinel.parsing.json_paths import INDEX, MISSING, PathDecoder, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from log_sentinel.parsing.json_paths import Given, Path

    Columns = dict[str, list[object]]

TOGETHER = 256
# Among so few lines the bad one is not looked for: the careful path reads them all.
FEW = 4
OPEN, CLOSE = {ord("{")}, {ord("}")}


class Place(NamedTuple):
    """Where an input is found in a struct: by `get`, then along `rest`; what `given` stands for was given apart."""

    get: Callable[[object], object]
    given: Given | None
    rest: Path


class ColumnDecoder:
    """Decodes some of a reader's inputs. Those named in `once` may not come from a name that stands twice in its
    object."""

    def __init__(self, paths: Mapping[str, tuple[Path, ...]], once: Sequence[str] = ()) -> None:
        self.names = tuple(paths)
        decisive = [path for name in once for path in paths[name]]
        decoder = PathDecoder([path for each in paths.values() for path in each], decisive)
        self._decode = decoder.decode
        self._places = {name: [Place(*decoder.place(path)) for path in each] for name, each in paths.items()}
        # In a value that is decoded whole, for another input's sake, a name that stands twice would not be seen.
        rests = [place.rest for name in once for place in self._places[name]]
        self.certain = all(not rest or INDEX.fullmatch(rest[0]) for rest in rests)

    def read(self, data: bytes, starts: Sequence[int]) -> tuple[Columns, list[int]]:
        """The columns of the lines that begin at `starts` (the last of which is the end), and the numbers of the lines
        left out of them: no object, or not of the expected shape."""
        columns: Columns = {name: [] for name in self.names}
        left: list[int] = []
        view = memoryview(data)

        lines = len(starts) - 1
        # the next span last; a span that raises is cut in two until the lines at fault are few
        spans = [(first, min(first + TOGETHER, lines)) for first in range(0, lines, TOGETHER)][::-1]
        while spans:
            first, end = spans.pop()
            try:
                read = self._columns(data, view, starts[first : end + 1])
            except (msgspec.DecodeError, ValueError, RecursionError):
                if end - first <= FEW:
                    left.extend(range(first, end))
                else:
                    middle = (first + end) // 2
                    spans += [(middle, end), (first, middle)]
            else:
                for name, values in read.items():
                    columns[name] += values
        return columns, left

    def read_some(self, lines: Sequence[bytes]) -> tuple[Columns, list[int]]:
        """The same of lines with their newlines."""
        return self.read(b"".join(lines), list(accumulate(map(len, lines), initial=0)))

    def _columns(self, data: bytes, view: memoryview, starts: Sequence[int]) -> Columns:
        """Raises as `PathDecoder.decode`."""
        if not _braced(data, starts):
            raise ValueError("a line is no object")
        lines = view[starts[0] : starts[-1]]
        try:
            rows, apart = self._decode(lines)
        except UnicodeDecodeError:
            rows, apart = self._decode(bytes(lines).decode("utf-8", "replace").encode())
        if len(rows) != len(starts) - 1:
            raise ValueError("two objects on a line")
        return {name: _input(rows, places, apart) for name, places in self._places.items()}


def _braced(data: bytes, starts: Sequence[int]) -> bool:
    """Whether every line begins and ends with a brace. A newline between two braces cannot lie within a JSON value."""
    ends = [start - 2 for start in starts[1:]]
    return _at(data, starts[:-1]) == OPEN and _at(data, ends) == CLOSE


def _at(data: bytes, places: Sequence[int]) -> set[int]:
    """The bytes that stand there. One place is asked for twice: of a single one, itemgetter gives no tuple."""
    return set(itemgetter(*places, places[0])(data))


def _input(rows: Sequence[object], places: Sequence[Place], apart: Mapping[Given, list[object]]) -> list[object]:
    """What the rows have at the first of the places that is not missing."""
    found = _values(rows, places[0], apart)
    for place in places[1:]:
        missing = sum(map(found.count, MISSING))
        # whether a name stands twice is looked at even where its value is not needed
        if place.given is None and not missing:
            break
        if place.given is None and FEW * missing < len(found):
            for row in [row for row, value in enumerate(found) if value in MISSING]:
                found[row] = _values([rows[row]], place, apart)[0]
            continue
        others = _values(rows, place, apart)
        if others.count(None) < len(others):
            found = [other if value in MISSING else value for value, other in zip(found, others, strict=True)]
    return found


def _values(rows: Sequence[object], place: Place, apart: Mapping[Given, list[object]]) -> list[object]:
    if place.given is not None and not apart[place.given]:
        return [None] * len(rows)
    try:
        found = list(map(place.get, rows))
    except AttributeError:  # an object on the way is null in some row
        found = [_or_none(place.get, row) for row in rows]
    if place.given is not None:
        found = _in_place(found, place.given, apart[place.given])
    return [walk(value, place.rest) for value in found] if place.rest else found


def _in_place(found: list[object], given: Given, values: list[object]) -> list[object]:
    """The `values`, each where `given` stands in its row. Raises ValueError where a row has more than one."""
    rows = found.count(given)
    if rows != len(values):
        raise ValueError("a name stands twice")
    if rows == len(found):
        return values
    following = iter(values)
    return [next(following) if each is given else None for each in found]


def _or_none(get: Callable[[object], object], row: object) -> object:
    try:
        return get(row)
    except AttributeError:
        return None
