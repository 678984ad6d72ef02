from pathlib import Path

import pytest

from tests.cli.running import in_a_process

CHANNELS = '[channels.ops]\ntype = "console"\n[channels.on-call]\ntype = "console"\n[channels.mail]\ntype = "console"\n'


def offered(folder: Path, line: str) -> list[str]:
    """What bash is offered for the last word of `line`."""
    position = len(line.split(" ")) - 1
    ran = in_a_process(folder=folder, COMP_WORDS=line, COMP_CWORD=str(position), _LOG_SENTINEL_COMPLETE="complete_bash")
    assert ran.err == ""
    return ran.out.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("log-sentinel heal", ["healthcheck"]),
        ("log-sentinel formats ", ["list", "detect", "test", "new", "from-nginx"]),
        ("log-sentinel formats list --outp", ["--output"]),
        ("log-sentinel formats list --output ", ["table", "json", "jsonl", "csv"]),
        ("log-sentinel channels test o", ["on-call", "ops"]),
        ("log-sentinel parse --format nginx-c", ["nginx-combined"]),
    ],
)
def test_the_shell_is_offered_what_may_follow(line: str, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "log-sentinel.toml").write_text(CHANNELS)

    assert offered(tmp_path, line) == words


def test_with_bad_settings_nothing_is_offered_and_nothing_said(tmp_path: Path) -> None:
    (tmp_path / "log-sentinel.toml").write_text("[channels")

    assert offered(tmp_path, "log-sentinel channels test o") == []
