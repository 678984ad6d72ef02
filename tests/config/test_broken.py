"""Every file of broken/ holds one mistake or a few; its first lines are what must be said of it, sorted."""

from pathlib import Path

import pytest

from log_sentinel.config.load import BadSettings, load
from log_sentinel.daemon.settings import Settings

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.toml"))


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_is_told_in_these_words(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    expected = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("# "):
            break
        expected.append(line.removeprefix("# "))

    with pytest.raises(BadSettings) as raised:
        load(Settings, Path(path.name), {})

    assert expected == sorted(str(mistake) for mistake in raised.value.mistakes)
