"""The README's two commands from a clean clone: what they need is committed.

The suite's form gives the clone a virtual environment without a download: its own python, with the packages of this
one. `python -m tests.packaging.clean_clone` does it all as a new user would, downloads included, in minutes.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 150


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of what is committed, with a virtual environment that says it is set up."""
    folder = tmp_path / "log-sentinel"
    cloned = subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], capture_output=True, text=True, check=False)
    if cloned.returncode != 0:
        pytest.skip(f"not a git checkout: {cloned.stderr}")
    venv = folder / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    (site_packages,) = venv.glob("lib/python*/site-packages")
    (site_packages / "set_up.pth").write_text(f"{folder}\n{sysconfig.get_path('purelib')}\n")
    programs = {
        "log-sentinel": "from log_sentinel.cli import main; main()",
        "pytest": "import pytest; raise SystemExit(pytest.main())",
    }
    for name, code in programs.items():
        program = venv / "bin" / name
        program.write_text(f"#!{venv}/bin/python\n{code}\n")
        program.chmod(0o755)
    for done in (".run", ".dev"):
        (venv / done).touch()
    return folder


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOG_SENTINEL", "PYTEST"))}
    return kept | {"PYTHONUNBUFFERED": "1"}


def test_make_test_runs_the_suite_of_the_clone(clone: Path) -> None:
    ran = subprocess.run(
        ["make", "test", "ARGS=tests/test_tree.py -q -p no:cacheprovider"],
        cwd=clone,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout


@pytest.mark.timeout(PATIENCE_SECONDS + 30)
def test_make_run_shows_an_alert_for_a_client_an_address_and_a_route(clone: Path) -> None:
    wanted = {"client", "address", "route"}
    seen: list[str] = []
    # in a session of its own, so that Ctrl-C reaches all of it, as from a terminal
    demo = subprocess.Popen(
        ["make", "run"],
        cwd=clone,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    too_late = threading.Timer(PATIENCE_SECONDS, os.killpg, (demo.pid, signal.SIGKILL))
    too_late.start()
    try:
        for line in lines_of(demo):
            seen.append(line)
            wanted -= {word for word in wanted if is_alert(line) and re.search(rf"\b{word}\b", line)}
            if not wanted:
                break
        os.killpg(demo.pid, signal.SIGINT)
        rest = demo.communicate(timeout=40)[0]
    finally:
        too_late.cancel()
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGKILL)
            demo.communicate()
    said = "".join(seen) + rest
    assert wanted == set(), said
    assert "Traceback" not in said
    assert not re.search(r'"level": ?"error"', said), said


def lines_of(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    return iter(process.stdout.readline, "")


def is_alert(line: str) -> bool:
    return bool(re.match(r"(CRITICAL|WARNING|INFO)\b", line))
