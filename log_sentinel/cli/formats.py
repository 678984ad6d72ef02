"""`log-sentinel formats`: which log formats are known, which one a file has, whether definitions do what they say."""

import sys
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from log_sentinel.cli import opening
from log_sentinel.cli.exits import Failed
from log_sentinel.cli.options import ConfigFile, Output
from log_sentinel.cli.output import Shape, show

if TYPE_CHECKING:
    from log_sentinel.parsing.definitions import Definition

# Enough for a few hundred lines of any format; a guess looks at the first 200.
HEAD_BYTES = 1 << 20


def register(app: typer.Typer) -> None:
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="List, recognise and prove log formats.")
    group.command("list")(list_formats)
    group.command("detect")(detect)
    group.command("test")(parse_samples)
    app.add_typer(group, name="formats")


def list_formats(config: ConfigFile = None, output: Output = Shape.TABLE) -> None:
    """List the formats that --format and a source's `format` may name."""
    known = opening.formats(opening.settings(config))
    show(
        ("format", "gateway", "kind", "samples", "description"),
        [(form.name, form.gateway, form.kind, len(form.samples), form.description) for form in known.values()],
        output,
    )


def detect(
    path: Annotated[str, typer.Argument(metavar="PATH", help="An access log, packed or not, or - for stdin.")],
    config: ConfigFile = None,
    output: Output = Shape.TABLE,
) -> None:
    """Tell which format the first lines of a log have, how sure that is, and what else it could be."""
    from log_sentinel.parsing.guessing import guess

    known = opening.formats(opening.settings(config))
    found = guess(_head(path), known.values())
    if found is None:
        raise Failed(
            f"{path}: none of the formats {', '.join(sorted(known))} reads its first lines. "
            "Name its nginx directive with --log-format, or write a definition."
        )
    show(
        ("format", "confidence", "runner_up", "runner_up_confidence"),
        [(found.name, found.confidence, found.runner_up, found.runner_up_confidence)],
        output,
    )


def parse_samples(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A folder of definitions; all that are known without it.")
    ] = None,
    config: ConfigFile = None,
    output: Output = Shape.TABLE,
) -> None:
    """Parse each definition's sample lines and compare with the events they must give. Exit code 1 if one differs."""
    from log_sentinel.parsing.samples import prove

    known = _in_folder(folder) if folder else opening.formats(opening.settings(config))
    problems = {name: prove(form) for name, form in known.items()}
    show(
        ("format", "samples", "outcome"),
        [
            (name, len(form.samples), problem)
            for name, form in known.items()
            for problem in (problems[name] or ["as written"])
        ],
        output,
    )
    if any(problems.values()):
        raise typer.Exit(1)


def _in_folder(folder: Path) -> "dict[str, Definition]":
    from log_sentinel.parsing.definitions import load_folders

    if not folder.is_dir():
        raise Failed(f"{folder}: not a folder; definitions are the *.toml in one.")
    return load_folders([folder])


def _head(path: str) -> bytes:
    """The first bytes of a log, unpacked; of a damaged archive what is before the damage."""
    if path == "-":
        return _unpacked(sys.stdin.buffer)
    with Path(path).open("rb") as file:
        return _unpacked(file)


def _unpacked(stream: BinaryIO) -> bytes:
    from log_sentinel.sources.archives import MAGIC_BYTES, Damaged, form_of, in_order, unpacked

    magic = stream.read(MAGIC_BYTES)
    form, pieces = form_of(magic), chain([magic], in_order(stream))
    head = b""
    with suppress(Damaged):
        for piece in unpacked(pieces, form) if form else pieces:
            head += piece
            if len(head) >= HEAD_BYTES:
                break
    return head[:HEAD_BYTES]
