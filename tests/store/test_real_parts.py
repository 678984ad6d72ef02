"""REQUIRE_REAL=1: a test that cannot have its real part fails and says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SKIPPING = {
    "in a test": "import pytest\ndef test_it():\n    pytest.skip('no nginx here')\n",
    "of a module": "import pytest\npytest.skip('no nginx here', allow_module_level=True)\n",
    "by a mark": "import pytest\n@pytest.mark.skipif(True, reason='no nginx here')\ndef test_it(): pass\n",
    "in a fixture": (
        "import pytest\n@pytest.fixture\ndef nginx(): pytest.skip('no nginx here')\ndef test_it(nginx): pass\n"
    ),
}
ROOT = Path(__file__).resolve().parents[2]


def outcome(folder: Path, source: str, required: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(source)
    (folder / "pytest.ini").write_text("[pytest]\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-ra", str(folder)],
        cwd=ROOT,
        env=os.environ | {"REQUIRE_REAL": required},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("how", SKIPPING)
def test_a_skip_fails_where_real_parts_are_required_and_gives_its_reason(how: str, tmp_path: Path) -> None:
    run = outcome(tmp_path, SKIPPING[how], required="1")
    assert run.returncode != 0
    assert "no nginx here" in run.stdout
    assert "REQUIRE_REAL=1 allows no skip" in run.stdout


def test_a_skip_is_a_skip_elsewhere_and_an_expected_failure_everywhere(tmp_path: Path) -> None:
    assert outcome(tmp_path, SKIPPING["in a test"], required="").returncode == 0
    expected = "import pytest\n@pytest.mark.xfail(reason='known')\ndef test_it(): assert False\n"
    assert outcome(tmp_path, expected, required="1").returncode == 0
