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
    """The bars over all contests: `log-sentinel ingest` and `parsed` are found by the names of their programs, of
    several logs of a kind the first."""
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
        _at_least("Kong JSON without the start, lines/s", _without_start(contests, "kong"), 400_000, ""),
        _at_least("nginx JSON without the start, lines/s", _without_start(contests, "nginx-json"), 1_000_000, ""),
        _under("idle daemon, resident memory", idle.resident / MIB if idle else None, 150, " MB"),
        _under("idle daemon, share of a core", idle.share * 100 if idle else None, 1, " %"),
    ]


def _without_start(contests: Sequence[Contest], kind: str) -> float | None:
    """Lines a second that `log-sentinel parse` reads, from the difference between its longest and its shortest log."""
    ran = [
        each for each in contests if each.runs and (each.log.kind, each.program.name) == (kind, "log-sentinel parse")
    ]
    long, short = (choose(ran, key=lambda each: each.log.lines, default=None) for choose in (max, min))
    if long is None or short is None or long.wall <= short.wall:
        return None
    return (long.log.lines - short.log.lines) / (long.wall - short.wall)


def _at_least(what: str, got: float | None, bar: float, unit: str) -> Bar:
    return Bar(f"{what}: at least {bar:,.15g}{unit}", _words(got, unit), None if got is None else got >= bar)


def _under(what: str, got: float | None, bar: float, unit: str) -> Bar:
    return Bar(f"{what}: under {bar:,g}{unit}", _words(got, unit), None if got is None else got < bar)


def _words(got: float | None, unit: str) -> str:
    if got is None:
        return "not measured"
    return f"{got:,.0f}{unit}" if got >= 100 else f"{got:.3g}{unit}"
