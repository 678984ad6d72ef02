import subprocess
import sys
from pathlib import Path

import pytest

from log_sentinel import __version__
from log_sentinel.cli.commands import MODULES
from tests.cli.running import in_a_process, log_sentinel, modules_after

HEAVY = ("polars", "sqlalchemy", "alembic", "slack_sdk", "starlette", "uvicorn", "apscheduler", "watchdog", "structlog")


def test_the_version_is_printed_as_data(tmp_path: Path) -> None:
    ran = in_a_process("--version", folder=tmp_path)

    assert (ran.code, ran.out, ran.err) == (0, f"{__version__}\n", "")


def test_help_names_every_command_and_the_exit_codes(tmp_path: Path) -> None:
    ran = in_a_process("--help", folder=tmp_path)

    assert ran.code == 0
    assert all(f"\n  {name} " in ran.out for name in MODULES)
    assert "75 try again later, 78 bad settings" in " ".join(ran.out.split())


@pytest.mark.parametrize("name", MODULES)
def test_every_command_explains_itself(name: str, tmp_path: Path) -> None:
    ran = log_sentinel(name, "--help", folder=tmp_path)

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: log-sentinel {name} ")


@pytest.mark.parametrize(
    "words", [["--help"], ["healthcheck"], ["config", "check"], ["config", "show"], ["formats", "list"]]
)
def test_what_runs_often_loads_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    loaded = modules_after(*words, folder=tmp_path)

    assert "log_sentinel.cli.commands" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_a_command_loads_the_module_of_no_other(tmp_path: Path) -> None:
    loaded = modules_after("config", "sample", folder=tmp_path)

    assert "log_sentinel.cli.config" in loaded
    assert loaded.isdisjoint({"log_sentinel.cli.formats", "log_sentinel.cli.run"})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["instal"], "No such command 'instal'"),
        (["formts"], "Did you mean 'formats'?"),
        (["formats", "lits"], "Did you mean 'list'?"),
        (["formats", "list", "--output", "xml"], "'xml' is not one of 'table', 'json', 'jsonl', 'csv'"),
        (["formats", "list", "--colour"], "No such option: --colour"),
        (["incidents", "show", "one"], "Invalid value for 'ID'"),
    ],
)
def test_wrong_use_is_told_on_stderr_with_code_2(words: list[str], said: str, tmp_path: Path) -> None:
    ran = log_sentinel(*words, folder=tmp_path)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_the_module_and_the_script_are_the_same_program(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("log-sentinel")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, cwd=tmp_path, check=True, timeout=60)

    assert done.stdout == f"{__version__}\n"


def test_a_reader_that_has_seen_enough_ends_it_without_a_traceback(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "from log_sentinel.cli import main; main()", "config", "sample"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()

    assert "Traceback" not in said
