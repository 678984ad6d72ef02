"""`log-sentinel db`: the tables' version, and a copy of the database while it is in use."""

from pathlib import Path
from typing import Annotated

import typer

from log_sentinel.cli import opening
from log_sentinel.cli.options import ConfigFile, DatabaseUrl


def register(app: typer.Typer) -> None:
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Upgrade, look at or copy the database.")
    group.command("upgrade")(upgrade)
    group.command("current")(current)
    group.command("backup")(backup)
    app.add_typer(group, name="db")


def upgrade(config: ConfigFile = None, db: DatabaseUrl = None) -> None:
    """Bring the tables to the version this log-sentinel needs, all or nothing; `run` and `ingest` do so too."""
    from log_sentinel.store import migrating

    with opening.database(opening.settings(config, db), create=True) as database:
        done = migrating.upgrade(database)
        said = f"upgraded through {', '.join(done)}" if done else "was up to date"
        print(f"{database.redacted_url}: {said}")


def current(config: ConfigFile = None, db: DatabaseUrl = None) -> None:
    """Print the version of the tables. Exit code 1 when it is not the one this log-sentinel needs."""
    from log_sentinel.store import migrating

    with opening.database(opening.settings(config, db)) as database:
        fits = migrating.is_current(database)
        print(f"{migrating.current(database) or 'no tables'}{'' if fits else ' (run `log-sentinel db upgrade`)'}")
    if not fits:
        raise typer.Exit(1)


def backup(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The copy to make; it must not exist.")],
    config: ConfigFile = None,
    db: DatabaseUrl = None,
) -> None:
    """Copy an SQLite database to FILE as it is at one moment, while others go on using it."""
    from log_sentinel.store import migrating

    with opening.database(opening.settings(config, db)) as database:
        size = migrating.backup(database, path)
        print(f"{path}: {size} bytes")
