"""What must be reached, beside what was."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.bench.idle import Idle
from benchmarks.bench.rounds import Contest

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Bar:
    """`asked` and `got` in words; `met` is None where it could not be measured."""

    asked: str
    got: str
    met: bool | None


def bars(contests: Sequence[Contest], idle: Idle | None) -> list[Bar]:
    """The bars over all contests: `log-sentinel ingest` and `parsed` are found by the names of their programs."""
    ran = {(contest.log.kind, contest.program.name): contest for contest in reversed(contests) if contest.runs}
    ingest, goaccess = ran.get(("combined", "log-sentinel ingest")), ran.get(("combined", "GoAccess"))
    kong = ran.get(("kong", "log-sentinel parse"))
    peaks = [contest.peak for contest in contests if contest.runs and contest.program.name == "log-sentinel ingest"]
    return [
        _at_least(
            "ingest into SQLite, times faster than GoAccess",
            goaccess.wall / ingest.wall if goaccess and ingest else None,
            15,
            "x",
        ),
        _under("ingest, peak memory on any log", max(peaks) / MIB if peaks else None, 320, " MB"),
        _at_least("Kong JSON, lines/s", kong.log.lines / kong.wall if kong else None, 200_000, ""),
        _under("idle daemon, resident memory", idle.resident / MIB if idle else None, 150, " MB"),
        _under("idle daemon, share of a core", idle.share * 100 if idle else None, 1, " %"),
    ]


def _at_least(what: str, got: float | None, bar: float, unit: str) -> Bar:
    return Bar(f"{what}: at least {bar:,g}{unit}", _words(got, unit), None if got is None else got >= bar)


def _under(what: str, got: float | None, bar: float, unit: str) -> Bar:
    return Bar(f"{what}: under {bar:,g}{unit}", _words(got, unit), None if got is None else got < bar)


def _words(got: float | None, unit: str) -> str:
    if got is None:
        return "not measured"
    return f"{got:,.0f}{unit}" if got >= 100 else f"{got:.3g}{unit}"
