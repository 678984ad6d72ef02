"""The bench's result as a person reads it."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.bench.bars import MIB, Bar
from benchmarks.bench.rounds import Contest

MET = {True: "[green]met[/]", False: "[red]NOT MET[/]", None: "[yellow]not measured[/]"}


def print_contests(console: Console, title: str, contests: Sequence[Contest]) -> None:
    """One log's programs: medians, and how many times the time of each peer they take."""
    peers = [contest for contest in contests if contest.runs and not contest.program.name.startswith("log-sentinel")]
    table = Table(title=title, title_justify="left")
    table.add_column("program")
    for column in ("wall s", "from-to", "CPU s", "CPU s per M lines", "lines/s", "peak MB"):
        table.add_column(column, justify="right")
    for peer in peers:
        table.add_column(f"x {peer.program.name}", justify="right")
    for contest in contests:
        if not contest.runs:
            table.add_row(contest.program.name, "failed")
            continue
        walls = sorted(run.wall for run in contest.runs)
        table.add_row(
            contest.program.name,
            f"{contest.wall:.2f}",
            f"{walls[0]:.2f}-{walls[-1]:.2f}",
            f"{contest.cpu:.2f}",
            f"{contest.cpu / contest.log.lines * 1e6:.2f}",
            f"{contest.log.lines / contest.wall:,.0f}",
            f"{contest.peak / MIB:,.0f}",
            *(_ratio(contest.wall / peer.wall) for peer in peers),
        )
    console.print(table)


def print_batches(console: Console, took: Mapping[str, Mapping[str, float]]) -> None:
    """Milliseconds by format and batch size."""
    table = Table(title="A few lines at a time: ms to parse a batch", title_justify="left")
    sizes = list(next(iter(took.values())))
    table.add_column("format")
    for size in sizes:
        table.add_column(f"{size} lines", justify="right")
    for name, times in took.items():
        table.add_row(name, *(f"{times[size]:.3f}" for size in sizes))
    console.print(table)


def print_bars(console: Console, bars: Iterable[Bar]) -> None:
    table = Table(title="The bars", title_justify="left")
    for column in ("asked for", "measured", ""):
        table.add_column(column)
    for bar in bars:
        table.add_row(bar.asked, bar.got, MET[bar.met])
    console.print(table)


def _ratio(times: float) -> str:
    if times == 1:
        return "1"
    return f"{times:.1f}x" if times > 1 else f"1/{1 / times:.1f}"
