"""The measurements in docs/decisions give what the pages say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DECISIONS = Path(__file__).resolve().parents[2] / "docs" / "decisions"
MEASURED = re.compile(r"(?ms)^```python\n(.*?)^```\n\n```text\n(.*?)^```$")
MEASUREMENTS = [
    pytest.param(script, said, id=f"{page.stem}-{number}")
    for page in sorted(DECISIONS.glob("0*.md"))
    for number, (script, said) in enumerate(MEASURED.findall(page.read_text()), 1)
]


@pytest.mark.parametrize(("script", "said"), MEASUREMENTS)
def test_the_measurement_gives_what_the_page_says(script: str, said: str, tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert said == ran.stdout


def test_every_decision_is_measured_and_listed() -> None:
    listed = (DECISIONS / "README.md").read_text()
    for page in DECISIONS.glob("0*.md"):
        assert MEASURED.search(page.read_text()), page.name
        assert f"({page.name})" in listed
