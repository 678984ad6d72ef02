"""Opens what a command works on: the settings, the database."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from log_sentinel.cli import exits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from log_sentinel.config.load import Loaded
    from log_sentinel.daemon.settings import Settings
    from log_sentinel.parsing.definitions import Definition
    from log_sentinel.store.engine import Database


def settings(config: Path | None, db: str | None = None) -> Loaded[Settings]:
    """The settings, with `--db` over them. Raises BadSettings. Their secrets are masked in all messages from now on."""
    from log_sentinel.config.load import load
    from log_sentinel.daemon.settings import Settings

    loaded = load(Settings, config, os.environ, {"database.url": ("--db", db)} if db else None)
    exits.keep_secret(loaded.secrets)
    return loaded


def formats(loaded: Loaded[Settings]) -> dict[str, Definition]:
    """The log formats by name, shipped ones and those of the folders in the settings. Raises BadDefinition."""
    from log_sentinel.content import shipped
    from log_sentinel.parsing.definitions import load_folders

    own = (loaded.folder / folder for folder in loaded.settings.parsing.definitions)
    return load_folders([shipped("parsers"), *own])


@contextmanager
def database(loaded: Loaded[Settings], *, create: bool = False) -> Iterator[Database]:
    """The database of the settings, closed at the end. Without `create` an SQLite file must exist already.

    Raises Failed when it does not, StoreError when it cannot be opened.
    """
    from log_sentinel.store.engine import open_database

    if not create:
        _must_exist(loaded.settings.database.url.get_secret_value())
    opened = open_database(loaded.settings.database)
    try:
        yield opened
    finally:
        opened.close()


def _must_exist(url: str) -> None:
    from pathlib import Path

    scheme, _, path = url.partition(":///")
    if scheme == "sqlite" and not Path(path).exists():
        raise exits.Failed(
            f"{url}: no such file; nothing was stored yet. Start `log-sentinel run` or `log-sentinel ingest` first, "
            "or name the database with --db or --config."
        )
