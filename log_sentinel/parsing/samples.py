"""Proves a definition by the samples it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.model.lines import Checkpoint, Lines, Move
from log_sentinel.parsing.compiling import compiled
from log_sentinel.parsing.definitions import BadDefinition
from log_sentinel.parsing.options import ParseOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from log_sentinel.parsing.definitions import Definition, Sample


def prove(definition: Definition, judge: Callable[[pl.DataFrame, Definition], pl.DataFrame] | None = None) -> list[str]:
    """What is wrong with the samples, one sentence each: `sample 2, event.status: got 404; 403 is expected.`

    `judge` (diagnosis.verdict.judge) gives the verdicts that samples expect; without it verdicts are not looked at.
    """
    try:
        parser = compiled(definition, ParseOptions())
    except BadDefinition as error:
        return list(error.mistakes)
    problems: list[str] = []
    for number, sample in enumerate(definition.samples, 1):
        events = parser.events(_lines(sample))
        where = f"sample {number}"
        if sample.rejected:
            if events.frame.height:
                problems.append(f"{where}: an event came of it; it is to be rejected.")
            continue
        if events.frame.is_empty():
            reason = events.rejects["reason"].to_list() or ["blank"]
            problems.append(f"{where}: rejected ({reason[0]}); an event is expected.")
            continue
        problems += _differences(f"{where}, event", sample.event, events.frame)
        if judge is not None and sample.verdict:
            expected = {str(name): value for name, value in sample.verdict.items()}
            problems += _differences(f"{where}, verdict", expected, judge(events.frame, definition))
    return problems


def _differences(where: str, expected: dict[str, str] | dict[str, str | int | float], frame: pl.DataFrame) -> list[str]:
    found = frame.row(0, named=True)
    if found.get("time") is not None:
        found["time"] = found["time"].strftime("%Y-%m-%d %H:%M:%S.") + f"{found['time'].microsecond // 1000:03d}"
    problems = []
    for name, value in expected.items():
        if name not in found:
            problems.append(f"{where}.{name}: there is no such column; one of {', '.join(found)}.")
        elif found[name] != value:
            problems.append(f"{where}.{name}: got {found[name]!r}; {value!r} is expected.")
    return problems


def _lines(sample: Sample) -> Lines:
    data = sample.line.encode()
    to = Checkpoint(0, "sample", "", 0, 0, 0, "", len(data), 0, "", len(data))
    return Lines("sample", data, Move(0, to))
