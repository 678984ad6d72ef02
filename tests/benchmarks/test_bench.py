import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.bench.bars import MIB, bars
from benchmarks.bench.chunks import chunks
from benchmarks.bench.files import BenchFile, bench_file
from benchmarks.bench.idle import Idle
from benchmarks.bench.measuring import ProgramFailed, Run, measure
from benchmarks.bench.programs import Program
from benchmarks.bench.rounds import Contest, take_turns

TOP = Path(__file__).parents[2]
LOG = BenchFile(Path("access.log"), "combined", lines=2_000_000, size=440_000_000, denied=100_000)
JSON_LOG = BenchFile(Path("json.log"), "nginx-json", lines=1_000_100, size=400_000_000, denied=50_000)
KONG_LOG = BenchFile(Path("kong.log"), "kong", lines=200_000, size=400_000_000, denied=10_000)


def python(name: str, code: str, answer: dict[str, int] | None = None) -> Program:
    return Program(
        name=name,
        command=lambda _, scratch: [sys.executable, "-c", code, str(scratch)],
        answer=lambda _, printed: answer or {"printed": int(printed)},
        expected=lambda _: {"printed": 1},
    )


def measured(name: str, log: BenchFile, wall: float, peak: int = 0) -> Contest:
    return Contest(python(name, ""), log, [Run(wall, wall, peak, "")])


def test_a_run_counts_its_own_process_alone() -> None:
    idle_run = measure([sys.executable, "-c", "pass"])
    # the kernel counts the size of whoever starts a process, and a run of many tests is large itself
    hungry = measure([sys.executable, "-c", f"b'x' * {1000 * MIB}; print('done')"])
    assert hungry.printed == "done\n"
    assert hungry.peak > 1000 * MIB > idle_run.peak > 0
    assert idle_run.cpu > 0


def test_a_program_that_fails_is_quoted() -> None:
    with pytest.raises(ProgramFailed, match=r"exit code 3\. no such thing$") as failed:
        measure([sys.executable, "-c", "import sys; print('no such thing', file=sys.stderr); sys.exit(3)"])
    assert failed.value.code == 3


def test_programs_take_turns(tmp_path: Path) -> None:
    contests = [Contest(python(name, "print(1)"), LOG) for name in ("one", "other")]
    told: list[str] = []
    take_turns(contests, 2, tmp_path / "scratch", told.append)
    assert told == [
        "round 1 of 2: one, access.log",
        "round 1 of 2: other, access.log",
        "round 2 of 2: one, access.log",
        "round 2 of 2: other, access.log",
    ]
    assert [len(contest.runs) for contest in contests] == [2, 2]


def test_each_run_finds_an_empty_scratch_folder(tmp_path: Path) -> None:
    leaving = "import sys, pathlib; there = pathlib.Path(sys.argv[1]); assert not list(there.iterdir()); "
    contest = Contest(python("litter", leaving + "(there / 'left').touch(); print(1)"), LOG)
    take_turns([contest], 2, tmp_path / "scratch", lambda _: None)
    assert contest.failure == ""
    assert not (tmp_path / "scratch").exists()


def test_a_wrong_answer_is_a_failure_and_no_figure(tmp_path: Path) -> None:
    contest = Contest(python("liar", "print(2)"), LOG)
    take_turns([contest], 2, tmp_path / "scratch", lambda _: None)
    assert contest.failure == "liar, access.log: found {'printed': 2}; there are {'printed': 1}."
    assert contest.runs == []


def test_a_log_is_made_once_and_again_when_it_is_gone(tmp_path: Path) -> None:
    first = bench_file(tmp_path, "combined", 500, 0.1)
    age = first.path.stat().st_mtime_ns
    assert first == bench_file(tmp_path, "combined", 500, 0.1)
    assert age == first.path.stat().st_mtime_ns
    first.path.unlink()
    assert first == bench_file(tmp_path, "combined", 500, 0.1)
    assert first.path.stat().st_size == first.size


def test_a_log_of_another_generator_is_made_anew(tmp_path: Path) -> None:
    first = bench_file(tmp_path, "combined", 500, 0.1)
    facts = first.path.with_suffix(".json")
    facts.write_text(facts.read_text().replace('"generator": "', '"generator": "older than '))
    first.path.write_bytes(b"")
    assert first == bench_file(tmp_path, "combined", 500, 0.1)
    assert first.path.stat().st_size == first.size


@pytest.mark.parametrize("size", [100, 1_000, 1 << 20])
def test_chunks_are_whole_lines_that_lie_one_after_the_other(tmp_path: Path, size: int) -> None:
    log = bench_file(tmp_path, "combined", 200, 0.1)
    batches = list(chunks(log.path, size))
    assert b"".join(batch.data for batch in batches) == log.path.read_bytes()
    assert all(batch.data.endswith(b"\n") for batch in batches)
    ends = [batch.move.to.offset for batch in batches]
    assert [0, *ends[:-1]] == [batch.move.start for batch in batches]
    assert ends[-1] == log.size


def test_the_bars_are_told_beside_what_was_reached() -> None:
    reached = bars(
        [
            measured("GoAccess", LOG, wall=60),
            measured("log-sentinel ingest", LOG, wall=3, peak=300 * MIB),
            measured("log-sentinel ingest", KONG_LOG, wall=2, peak=330 * MIB),
            measured("log-sentinel parse", KONG_LOG, wall=0.8),
            measured("log-sentinel parse", JSON_LOG, wall=2.5),
            measured("log-sentinel parse", replace(JSON_LOG, lines=100), wall=0.5),
        ],
        Idle(resident=120 * MIB, peak=140 * MIB, share=0.004, seconds=30),
    )
    assert [(bar.asked, bar.got, bar.met) for bar in reached] == [
        ("ingest into SQLite, times faster than GoAccess: at least 15x", "20x", True),
        ("ingest, peak memory on any log: under 320 MB", "330 MB", False),
        ("Kong JSON, lines/s: at least 200,000", "250,000", True),
        ("Kong JSON without the start, lines/s: at least 400,000", "not measured", None),
        ("nginx JSON without the start, lines/s: at least 1,000,000", "500,000", False),
        ("idle daemon, resident memory: under 150 MB", "120 MB", True),
        ("idle daemon, share of a core: under 1 %", "0.4 %", True),
    ]


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    assert {("not measured", None)} == {(bar.got, bar.met) for bar in bars([], None)}


def test_the_script_that_brings_the_peers_says_what_it_needs(tmp_path: Path) -> None:
    ran = subprocess.run(
        ["/bin/sh", "benchmarks/peers.sh", tmp_path / "peers"],
        cwd=TOP,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        check=False,
        text=True,
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("from_debian.sh: apt-get was not found; this needs Debian or Ubuntu.")
