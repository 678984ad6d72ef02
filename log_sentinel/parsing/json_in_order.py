"""Flat JSON objects whose names come in one order, as a log_format or a serializer writes them: cut, not decoded.

A line that has the punctuation and the names of another, and between them strings without a quote, a backslash or a
control character and plain numbers, is JSON in which each name stands once. One scan tells; then the engine's CSV
reader splits at every quote. That takes less time than decoding and does not keep other threads from running. Every
other line is left.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from log_sentinel.parsing.bulk import REQUEST, Taken
from log_sentinel.parsing.bulk_activity import ADDRESS
from log_sentinel.parsing.bulk_lines import BulkLines
from log_sentinel.parsing.cutting import Last, needed, split_at_quotes
from log_sentinel.parsing.layout import QUOTE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_sentinel.parsing.canonical import Canonical
    from log_sentinel.parsing.json_columns import ColumnDecoder
    from log_sentinel.parsing.json_paths import Path
    from log_sentinel.parsing.line_starts import LineStarts
    from log_sentinel.parsing.times import Clock

# Of smaller batches the fixed cost of some dozen columns is more than is gained.
LEAST_BYTES = 1_000_000
# Where more lines than one in this many are no such objects, all are decoded; and so are as many batches more.
LEFT_ONE_IN, BATCHES_DECODED = 20, 16
TRIED = 8
# A line may have names and blanks without end, and the engine takes no expression of any length.
PATTERN_LIMIT = 8192
TEXTS = (*REQUEST, *ADDRESS, "client")
STRING, NUMBER = r"[ !#-\[\]-\x7f]*", r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?"
PUNCTUATION = ":, \t}"
MEMBER = re.compile(rf'([{{,][ \t]*"({STRING})"[ \t]*:[ \t]*)(?:"{STRING}"|{NUMBER}(?=[ \t]*[,}}]))')
# method and target once more, apart
METHOD, TARGET = "asked_by", "asked_for"


class Field(NamedTuple):
    """A member of the objects. `column`: how many quotes stand before its value."""

    name: str
    is_text: bool
    column: int


class Template(NamedTuple):
    """What the lines are like: one expression for them as a whole, and their fields in order."""

    pattern: str
    fields: tuple[Field, ...]


class Cutter:
    """Cuts what counting needs out of lines of one template."""

    def __init__(
        self, template: Template, groups: Mapping[str, tuple[int, ...]], carried: Sequence[str], clock: Clock
    ) -> None:
        """`groups`: the fields (counted from 1) that each input may come from. `carried`: inputs wanted beside."""
        self.pattern = template.pattern
        self.groups = needed(groups, carried)
        self.fields = {
            f"c{number}": template.fields[number - 1] for numbers in self.groups.values() for number in numbers
        }
        self.columns = sorted({field.column for field in self.fields.values()})
        self.schema = {f"column_{number}": pl.String for number in range(self.columns[-1] + 2)}
        self.last = Last([pl.col("is_whole")], self.groups, clock.read)

    def cut(self, lines: pl.DataFrame, data: bytes) -> pl.DataFrame | None:
        """index, minute (Int64, milliseconds), status (Int16), the carried inputs, request ("METHOD path") of those of
        the `lines` that fit; `data` is these lines. None where there are blank ones among them."""
        split = split_at_quotes(data, self.schema, self.columns)
        if split.height != lines.height:
            return None
        values = {
            name: pl.col(f"column_{field.column}")
            if field.is_text
            else pl.col(f"column_{field.column}").str.strip_chars(PUNCTUATION)
            for name, field in self.fields.items()
        }
        is_whole = lines.select("index", is_whole=pl.col("line").str.contains(self.pattern))
        cut = self.last.of(
            is_whole.hstack(split.get_columns()).lazy(), [[value.alias(name) for name, value in values.items()]]
        )
        if "request" in self.groups:
            return cut
        # a method that is none, and a target without one, are judged together
        method, target = (pl.col(name) if name in cut.columns else pl.lit("") for name in (METHOD, TARGET))
        named = ~method.str.contains(" ", literal=True) & (~method.is_in(["", "-"]) | target.str.starts_with("/"))
        return cut.filter(named).drop(METHOD, TARGET, strict=False)


class JsonInOrder:
    """Many such lines of one source. `whole` decodes those that are kept. Threads may share one."""

    def __init__(
        self,
        paths: Mapping[str, tuple[Path, ...]],
        whole: ColumnDecoder,
        canonical: Canonical,
        denied: frozenset[int],
    ) -> None:
        self.paths, self.whole, self.canonical, self.denied = paths, whole, canonical, denied
        carried = ("client", *(ADDRESS if canonical.proxies else ADDRESS[:1]))
        self._carried = [name for name in carried if name in paths]
        self._cutter: tuple[Template, Cutter | None] | None = None
        self._decoded = 0

    def read(self, batch: LineStarts, wanted: frozenset[int] | None) -> Taken | None:
        """As `BulkReader.read`; None where too few lines are such objects for it to pay."""
        if len(batch.data) < LEAST_BYTES:
            return None
        if self._decoded:
            self._decoded -= 1
            return None
        taken = self._read(batch, wanted)
        if taken is None or LEFT_ONE_IN * len(taken.left) > taken.lines:
            self._decoded = BATCHES_DECODED
            return None
        return taken

    def _read(self, batch: LineStarts, wanted: frozenset[int] | None) -> Taken | None:
        data = batch.data
        # one of the first lines will have no escapes
        template = next((found for line in data.split(b"\n", TRIED)[:TRIED] if (found := template_of(line))), None)
        cutter = None if template is None else self._of(template)
        if cutter is None:
            return None
        many = BulkLines(batch)
        cut = cutter.cut(many.column, many.data)
        if cut is None or cut.is_empty():
            return None
        kept = cut if wanted is None else cut.filter(pl.col("status").is_in(sorted(wanted)))
        inputs, torn = self.whole.read_some(
            [text.encode() + b"\n" for text in many.column["line"].gather(kept["index"]).to_list()]
        )
        if torn:
            return None
        return many.taken(cut, kept, inputs, self.canonical, self.denied)

    def _of(self, template: Template) -> Cutter | None:
        """What cuts lines of this template; None where they are better decoded."""
        known = self._cutter
        if known is None or known[0] != template:
            groups = self._groups(template)
            carried = [*self._carried, METHOD, TARGET]
            cutter = Cutter(template, groups, carried, self.canonical.clock) if groups else None
            known = self._cutter = template, cutter
        return known[1]

    def _groups(self, template: Template) -> dict[str, tuple[int, ...]]:
        """The fields (counted from 1) that each input may come from; none where these lines are better decoded."""
        number_of = {field.name: number for number, field in enumerate(template.fields, 1)}
        groups = {
            name: tuple(number_of[path[0]] for path in paths if len(path) == 1 and path[0] in number_of)
            for name, paths in self.paths.items()
            if name in ("time", "status", "route", *TEXTS)
        }
        groups = {name: numbers for name, numbers in groups.items() if numbers}
        as_numbers = not all(template.fields[number - 1].is_text for name in TEXTS for number in groups.get(name, ()))
        if as_numbers or "route" in groups or not groups.keys() >= {"time", "status"}:
            return {}
        if "request" not in groups:
            groups |= {new: groups[name] for name, new in (("method", METHOD), ("target", TARGET)) if name in groups}
        return groups


def template_of(line: bytes) -> Template | None:
    """The template of a flat object; None for any other line."""
    text = line.decode("latin-1").removesuffix("\r")
    fields = list[Field]()
    at, pattern, quotes = 0, "^", 0
    while (found := MEMBER.match(text, at)) is not None and found[0].startswith("," if at else "{"):
        is_text = found[0].endswith(QUOTE)
        fields.append(Field(found[2], is_text, quotes + 2 + is_text))
        pattern += re.escape(found[1]) + (f'"{STRING}"' if is_text else NUMBER)
        quotes += 4 if is_text else 2
        at = found.end()
        if len(pattern) > PATTERN_LIMIT:
            return None
    if not fields or text[at:].strip(" \t") != "}" or not text.isascii():
        return None
    if len({field.name for field in fields}) < len(fields):
        return None
    return Template(pattern + "[ \t]*[}][ \t]*$", tuple(fields))
