"""The wheel: what is in it, and that it works where there is no checkout."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOG = """\
203.0.113.9 - - [24/Nov/2026:10:00:00 +0000] "GET /v1/orders/42 HTTP/1.1" 200 512 "-" "okhttp/4.12.0"
203.0.113.9 - - [24/Nov/2026:10:00:01 +0000] "GET /admin HTTP/1.1" 403 153 "-" "okhttp/4.12.0"
198.51.100.7 - - [24/Nov/2026:10:00:02 +0000] "POST /v1/orders HTTP/1.1" 429 169 "-" "curl/8.5.0"
198.51.100.7 - - [24/Nov/2026:10:00:03 +0000] "POST /v1/orders HTTP/1.1" 201 20 "-" "curl/8.5.0"
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    built = subprocess.run(build, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a fresh venv with the wheel in it, outside the checkout.

    What log-sentinel needs is not downloaded once more: a .pth adds the folder where this venv has it. A .pth inside a
    folder that was added by a .pth is not read, so the editable install that leads to the checkout stays out.
    """
    venv = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True)
    (site_packages,) = venv.glob("lib/python*/site-packages")
    (site_packages / "third_party.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return venv / "bin"


def run(program: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LOG_SENTINEL", "PYTHON", "VIRTUAL_ENV", "COVERAGE"))
    }
    return subprocess.run([program, *arguments], cwd=cwd, env=clean, capture_output=True, text=True, check=False)


def test_the_wheel_brings_one_top_level_name(wheel: Path) -> None:
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {"log_sentinel"} == {name for name in names if not name.endswith(".dist-info")}


@pytest.mark.parametrize("content", ["parsers", "alerts", "migrations"])
def test_the_wheel_carries_the_content(wheel: Path, content: str) -> None:
    carried = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(f"log_sentinel/{content}/")}
    shipped = {
        f"log_sentinel/{path.relative_to(ROOT)}"
        for path in (ROOT / content).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert shipped
    assert shipped == {name for name in carried if "__pycache__" not in name}


def test_the_wheel_says_that_it_is_typed_and_how_it_is_licensed(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "log_sentinel/py.typed" in names
    assert [name for name in names if name.endswith("/licenses/LICENSE")]


def test_the_installed_package_is_not_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import log_sentinel; print(log_sentinel.__file__)", cwd=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(installed.parent), where.stderr


def test_the_installed_program_ingests_a_log(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(LOG)
    ingested = run(installed / "log-sentinel", "ingest", "access.log", "--db", "sqlite:///sentinel.db", cwd=tmp_path)
    assert ingested.returncode == 0, ingested.stdout + ingested.stderr
    database = sqlite3.connect(tmp_path / "sentinel.db")
    denials = database.execute("select time, status, ip, method, path from denials order by time").fetchall()
    requests = database.execute("select sum(n) from traffic").fetchone()
    database.close()
    assert denials == [
        ("2026-11-24 10:00:01.000", 403, "203.0.113.9", "GET", "/admin"),
        ("2026-11-24 10:00:02.000", 429, "198.51.100.7", "POST", "/v1/orders"),
    ]
    assert requests == (4,)


@pytest.mark.parametrize(
    "command", [("formats", "test"), ("rules", "list"), ("db", "upgrade", "--db", "sqlite:///x.db")]
)
def test_the_installed_program_finds_its_content(installed: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    ran = run(installed / "log-sentinel", *command, cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_installed_program_accepts_the_settings_it_prints(installed: Path, tmp_path: Path) -> None:
    sample = run(installed / "log-sentinel", "config", "sample", cwd=tmp_path)
    (tmp_path / "log-sentinel.toml").write_text(sample.stdout)
    checked = run(installed / "log-sentinel", "config", "check", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
