"""Writes docs/commands.md from the command line's own help: python -m tests.docs.commands_page"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from log_sentinel.cli.commands import program

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).resolve().parents[2] / "docs" / "commands.md"
WIDTH = 100
HEAD = """\
# Commands

What `--help` says of each command; this page is made from it. Standard output is data, standard error is messages.
Where something is listed, `--output` chooses its shape, and `--format` always names a log format. Exit codes: 0 done,
1 failed, 2 used wrongly, 75 try again later, 78 bad settings.
"""


def page() -> str:
    """The whole page."""
    sections = [f"## `{name}`\n\n```text\n{text}\n```\n" for name, text in helps(program(), ("log-sentinel",))]
    return "\n".join((HEAD, *sections))


def helps(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Each command below `command` with its help, in the order of the command line."""
    for name, below in command.commands.items():
        words = (*path, name)
        if getattr(below, "commands", None):
            yield from helps(below, words)
        else:
            yield " ".join(words[1:]), _help(below, words)


def _help(command: Any, words: tuple[str, ...]) -> str:
    context = command.context_class(command, info_name=" ".join(words), terminal_width=WIDTH, max_content_width=WIDTH)
    lines = command.get_help(context).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip()


if __name__ == "__main__":
    PAGE.write_text(page())
