"""docs/commands.md is what --help says, and every command that a page shows exists, with the options it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from log_sentinel.cli.commands import program
from tests.docs.commands_page import PAGE, page

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"(?m)^(?: {4})?(?:sudo )?(log-sentinel .+)$|`(?:sudo )?(log-sentinel [^`]+)`")


def shown(page: Path) -> list[str]:
    """The commands in blocks of shell, in indented blocks and in backticks."""
    text = page.read_text()
    blocks = "\n".join(re.findall(r"(?ms)^```sh\n(.*?)^```$", text))
    rest = re.sub(r"(?ms)^```.*?^```$", "", text)
    indented = "\n".join(line for line in rest.splitlines() if line.startswith("    "))
    quoted = "\n".join(re.findall(r"`[^`\n]+`", rest))
    found = COMMAND.findall("\n".join((blocks, indented, quoted)))
    return list(dict.fromkeys(first or second for first, second in found))


SHOWN = [
    pytest.param(command, id=f"{page.stem}: {command[:60]}")
    for page in PAGES
    if page != PAGE
    for command in shown(page)
]


def test_the_page_says_what_help_says() -> None:
    assert page() == PAGE.read_text(), "write it anew with: python -m tests.docs.commands_page"


@pytest.mark.parametrize("line", SHOWN)
def test_a_command_on_a_page_exists_with_its_options(line: str) -> None:
    words = shlex.split(re.split(r" [|>] ?", line)[0], comments=True)[1:]
    command: Any = program()
    while words and getattr(command, "commands", None):
        assert words[0] in command.commands
        command = command.commands[words.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts} | {"--help", "--version"}
    assert set() == {word for word in words if word.startswith("--")} - options


def test_every_command_is_shown_on_some_page_besides() -> None:
    text = "\n".join(path.read_text() for path in PAGES if path != PAGE)
    for name in program().commands:
        assert f"log-sentinel {name}" in text, name
