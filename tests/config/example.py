"""Settings like the real ones, with one of each kind of thing that loading has to deal with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from log_sentinel.config.durations import Duration, parse
from log_sentinel.config.load import BadSettings, Loaded, load
from log_sentinel.config.section import Section


class Chat(Section):
    type: Literal["chat"] = "chat"
    token: SecretStr | None = None
    room: str = "ops"
    headers: dict[str, SecretStr] = Field(default_factory=dict)


class Mail(Section):
    type: Literal["mail"] = "mail"
    host: str
    port: int = 587
    verify: bool = True
    password: SecretStr | None = None
    to: tuple[str, ...] = ()


class Watch(Section):
    path: Path
    every: Duration = parse("1s")
    log_format: str | None = None


class Route(Section):
    match: dict[str, str] = Field(default_factory=dict)
    to: list[str]


class Database(Section):
    url: SecretStr = SecretStr("sqlite:///x.db")


class Example(Section):
    name: str = "here"
    database: Database = Database()
    watches: dict[str, Watch] = Field(default_factory=dict)
    channels: dict[str, Annotated[Chat | Mail, Field(discriminator="type")]] = Field(default_factory=dict)
    routing: list[Route] = Field(default_factory=list)


def write(folder: Path, text: str, name: str = "example.toml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def loaded(path: Path | None, **environ: str) -> Loaded[Example]:
    return load(Example, path, environ)


def mistakes(path: Path | None, **environ: str) -> list[str]:
    """What is said of these settings; nothing when they are right."""
    try:
        load(Example, path, environ)
    except BadSettings as bad:
        return [str(mistake) for mistake in bad.mistakes]
    return []
