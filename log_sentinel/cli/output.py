"""Prints rows as a table for people or as data for programs, to stdout.

Cells come from logs, which other people write. On the way to a terminal or a pipe every character that would act on it
is written out; in CSV a text that a spreadsheet would run as a formula gets an apostrophe before it (OWASP, "CSV
Injection"), numbers stay as they are. JSON holds the text unaltered, with everything but ASCII escaped.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from log_sentinel.cli.visible import visible
from log_sentinel.config.durations import written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

FORMULA = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# When no terminal tells the width, lines are as long as they need to be: whoever reads the pipe cuts them.
UNBOUNDED = 10_000


class Shape(StrEnum):
    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


def show(columns: Sequence[str], rows: Iterable[Sequence[object]], shape: Shape, stream: TextIO | None = None) -> None:
    """Prints `rows`, each a value for every one of `columns`. Two columns of one name become `n` and `n_2` in JSON."""
    stream = stream or sys.stdout
    match shape:
        case Shape.TABLE:
            _table(columns, rows, stream)
        case Shape.CSV:
            _csv(columns, rows, stream)
        case Shape.JSONL:
            for record in _records(columns, rows):
                stream.write(json.dumps(record, default=text) + "\n")
        case Shape.JSON:
            document(list(_records(columns, rows)), stream)


def document(value: object, stream: TextIO | None = None) -> None:
    """Prints one value as JSON."""
    stream = stream or sys.stdout
    json.dump(value, stream, indent=2, default=text)
    stream.write("\n")


def text(value: object) -> str:
    """A value as people and programs read it: times in UTC with a Z, durations as in the settings, None as nothing."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return written(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=text)
    return str(value)


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]], stream: TextIO) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=stream, highlight=False, width=None if stream.isatty() else UNBOUNDED)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    listed = list(rows)
    for index, column in enumerate(columns):
        numbers = bool(listed) and all(isinstance(row[index], int | float | None) for row in listed)
        table.add_column(Text(visible(column)), justify="right" if numbers else "left", overflow="fold")
    for row in listed:
        table.add_row(*(Text(visible(text(value))) for value in row))
    with console.capture() as printed:
        console.print(table)
    stream.writelines(f"{line.rstrip()}\n" for line in printed.get().splitlines())


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]], stream: TextIO) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([_cell(column) for column in columns])
    writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: object) -> object:
    if isinstance(value, int | float):
        return value
    said = text(value)
    if FORMULA.match(said) and not NUMBER.fullmatch(said):
        said = "'" + said
    return visible(said)


def _records(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[dict[str, object]]:
    names: list[str] = []
    for column in columns:
        name, number = column, 1
        while name in names:
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    for row in rows:
        yield dict(zip(names, row, strict=True))
