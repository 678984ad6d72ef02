"""`log-sentinel formats`: which log formats are known, which one a file has, whether definitions do what they say."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from log_sentinel.cli import opening
from log_sentinel.cli.exits import Failed
from log_sentinel.cli.from_nginx import from_nginx
from log_sentinel.cli.heads import head
from log_sentinel.cli.options import ConfigFile, Output
from log_sentinel.cli.output import Shape, show

if TYPE_CHECKING:
    from log_sentinel.parsing.definitions import Definition


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        rich_markup_mode=None, no_args_is_help=True, help="List, recognise, prove and write log formats."
    )
    group.command("list")(list_formats)
    group.command("detect")(detect)
    group.command("test")(parse_samples)
    group.command("new")(new)
    group.command("from-nginx")(from_nginx)
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
    found = guess(head(path), known.values())
    if found is None:
        raise Failed(
            f"{path}: none of the formats {', '.join(sorted(known))} reads its first lines. "
            "Name its nginx directive with --log-format, or write a definition."
        )
    show(
        ("format", "confidence", "runner_up", "runner_up_confidence", "mixed_with", "reads_the_same"),
        [
            (
                found.name,
                found.confidence,
                found.runner_up,
                found.runner_up_confidence,
                found.mixed_with,
                ", ".join(found.alike) or None,
            )
        ],
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


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower case, digits and dashes.")],
    log: Annotated[str, typer.Option("--from", metavar="PATH", help="A log in that format, packed or not, or -.")],
) -> None:
    """Print the beginnings of a definition for a log that no format reads, with lines of the log as its samples.

    Put it into a folder that parsing.definitions names, fill in what is marked, and run `formats test` on the folder.
    """
    from log_sentinel.parsing.definitions import NAME
    from log_sentinel.parsing.skeleton import skeleton

    if re.fullmatch(NAME, name) is None:
        raise typer.BadParameter("lower case, digits and dashes, beginning with neither of the two", param_hint="NAME")
    first = head(log)
    if not first.strip():
        raise Failed(f"{log}: there is no line in it; a definition begins with real lines. Name a log that has some.")
    print(skeleton(name, first), end="")


def _in_folder(folder: Path) -> "dict[str, Definition]":
    from log_sentinel.parsing.definitions import load_folders

    if not folder.is_dir():
        raise Failed(f"{folder}: not a folder; definitions are the *.toml in one.")
    return load_folders([folder])
