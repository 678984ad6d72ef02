"""What is run over the logs: the peers and log-sentinel itself. Each also answers whether its result is right."""

import json
import shutil
import sqlite3
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench.files import BenchFile

FORMAT = {"combined": "nginx-combined", "kong": "kong-file-log", "nginx-json": "nginx-json"}
DENIED = {
    "combined": '" (403|429) ',
    "kong": r'"response":\{"status":(403|429),',
    "nginx-json": '"status":"(403|429)"',
}
LOG_SENTINEL = str(Path(sysconfig.get_path("scripts")) / "log-sentinel")


@dataclass(frozen=True, slots=True)
class Program:
    """`command`: what to run on a log, with a scratch folder that is empty before each run.

    `answer`: what it found there, as (what was counted, how many), from its scratch folder and standard output;
    `expected`: what that should have been.
    """

    name: str
    command: Callable[[BenchFile, Path], list[str]]
    answer: Callable[[Path, str], dict[str, int]]
    expected: Callable[[BenchFile], dict[str, int]]


def _everything(log: BenchFile) -> dict[str, int]:
    return {"lines": log.lines, "denials": log.denied}


def ripgrep(program: str) -> Program:
    return Program(
        name="rg -c",
        command=lambda log, _: [program, "-c", DENIED[log.kind], str(log.path)],
        answer=lambda _, printed: {"denials": int(printed)},
        expected=lambda log: {"denials": log.denied},
    )


def goaccess(program: str) -> Program:
    def command(log: BenchFile, scratch: Path) -> list[str]:
        report = str(scratch / "report.json")
        return [program, str(log.path), "--log-format=COMBINED", "--no-global-config", "-o", report]

    def answer(scratch: Path, _printed: str) -> dict[str, int]:
        general = json.loads((scratch / "report.json").read_text())["general"]
        return {"lines": general["valid_requests"]}

    return Program("GoAccess", command, answer, lambda log: {"lines": log.lines})


def parse() -> Program:
    return Program(
        name="log-sentinel parse",
        command=lambda log, _: [sys.executable, "-m", "benchmarks.bench.parsing", str(log.path), FORMAT[log.kind]],
        answer=lambda _, printed: json.loads(printed),
        expected=_everything,
    )


def ingest() -> Program:
    def command(log: BenchFile, scratch: Path) -> list[str]:
        url = f"sqlite:///{scratch / 'sentinel.db'}"
        return [LOG_SENTINEL, "ingest", str(log.path), "--format", FORMAT[log.kind], "--db", url]

    def answer(scratch: Path, _printed: str) -> dict[str, int]:
        with sqlite3.connect(scratch / "sentinel.db") as database:
            (denials,) = database.execute("select count(*) from denials").fetchone()
            (lines,) = database.execute("select sum(n) from traffic").fetchone()
        database.close()
        return {"lines": lines, "denials": denials}

    return Program("log-sentinel ingest", command, answer, _everything)


def found(name: str, peers: Path) -> str | None:
    """A peer's program: brought by `make bench-tools`, else from the PATH; None when there is none."""
    brought = peers / "bin" / name
    return str(brought) if brought.exists() else shutil.which(name)
