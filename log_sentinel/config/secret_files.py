"""Secrets that stand in files of their own: `token_file = "/run/secrets/slack"` in place of `token`.

Every secret has such a key; no section declares it. A relative name is looked for in $CREDENTIALS_DIRECTORY (systemd's
LoadCredential) and then beside the settings file; a file there that is called like a setting (`channels.ops.token`)
is taken without being named at all.
"""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from log_sentinel.config.layers import Layer, Merged
from log_sentinel.config.mistakes import Mistake
from log_sentinel.config.places import FILE, Path, Place, at, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DIRECTORY = "CREDENTIALS_DIRECTORY"
# A secret is a line; a path that leads to a log or a disk by mistake must not be read into memory.
LARGEST = 65536
UNREAD = "?"


def resolve(merged: Merged, model: object, environ: Mapping[str, str]) -> list[Mistake]:
    """Puts into `merged` what the files hold, in place of the keys that name them. Returns what is wrong with any."""
    credentials = FilePath(environ[DIRECTORY]) if environ.get(DIRECTORY) else None
    mistakes = [
        mistake
        for path, secret in list(_named(merged.values, Place.of(model), ()))
        if (mistake := _resolve_one(merged, path, secret, credentials)) is not None
    ]
    return mistakes + (_take_credentials(merged, model, credentials) if credentials else [])


def secrets(values: object, place: Place) -> Iterator[str]:
    """Every secret that stands in `values`: of a database's URL the password alone, which messages must not show."""
    if place.is_secret and isinstance(values, str):
        yield from _secret_parts(values)
    elif isinstance(values, dict):
        for key, value in values.items():
            yield from secrets(value, place.child(key, values))
    elif isinstance(values, list):
        for index, value in enumerate(values):
            yield from secrets(value, place.child(index, values))


def _secret_parts(value: str) -> Iterator[str]:
    scheme, separator, rest = value.partition("://")
    if not separator or scheme in ("http", "https"):
        yield value
        return
    before_query, _, query = rest.partition("?")
    given = [given for name, given in parse_qsl(query) if "password" in name]
    # a password may hold everything but the last "@", a question mark too
    given += [part.rpartition("@")[0].partition(":")[2] for part in (before_query, rest)]
    for password in filter(None, given):
        yield from (password, unquote(password))


def _named(values: object, place: Place, path: Path) -> Iterator[tuple[Path, str]]:
    """The paths of keys that name a secret's file, each with the key of the secret."""
    if isinstance(values, dict):
        own = place.keys(values)
        for key, value in values.items():
            secret = str(key).removesuffix(FILE)
            if secret != key and key not in own and place.child(secret, values).is_secret:
                yield (*path, key), secret
            else:
                yield from _named(value, place.child(key, values), (*path, key))


def _resolve_one(merged: Merged, path: Path, secret: str, credentials: FilePath | None) -> Mistake | None:
    table: Any = merged.values
    for part in path[:-1]:
        table = table[part]
    name = table.pop(path[-1])
    layer = merged.origins.pop(path)
    key = ".".join(map(str, path))
    target = (*path[:-1], secret)
    if secret in table:
        other = merged.origin(target)
        return Mistake(
            layer.name, key, f"{secret} is set too{f' in {other.name}' if other else ''}", "only one of the two may be"
        )
    if not isinstance(name, str):
        return Mistake(
            layer.name, key, "got something else than a file's name", "the name of the file that holds the secret"
        )
    content = _content(_located(FilePath(name), layer.folder, credentials))
    if isinstance(content, str):
        table[secret] = content
        merged.origins[target] = Layer(f"{layer.name}, {path[-1]}", {})
        return None
    # the secret's place is taken, so that nobody is told that it is missing as well
    table[secret] = UNREAD
    merged.origins[target] = layer
    return Mistake(layer.name, key, content[0], content[1])


def _located(name: FilePath, folder: FilePath, credentials: FilePath | None) -> FilePath:
    if name.is_absolute():
        return name
    if credentials and (credentials / name).exists():
        return credentials / name
    return folder / name


def _content(path: FilePath) -> str | tuple[str, str]:
    """What the file holds without the newline at its end, or what was found and what is allowed."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        text = content.decode()
    except OSError as error:
        return f"{path} cannot be read ({error.strerror})", "the file must exist and be readable for this user"
    except UnicodeDecodeError:
        return f"{path} is not text", "it must hold the secret alone, as UTF-8"
    if len(content) > LARGEST:
        return f"{path} is larger than {LARGEST} bytes", "it must hold the secret alone"
    text = text.rstrip("\r\n")
    return text or (f"{path} is empty", "it must hold the secret alone")


def _take_credentials(merged: Merged, model: object, credentials: FilePath) -> list[Mistake]:
    mistakes = []
    for file in sorted(credentials.iterdir()) if credentials.is_dir() else []:
        path: Path = tuple(file.name.split("."))
        if len(path) < 2 or not at(model, merged.values, path).is_secret:
            continue
        origin = f"${DIRECTORY}/{file.name}"
        content = _content(file)
        set_already = value_at(merged.values, path) is not None
        if set_already:
            other = merged.origin(path)
            mistakes.append(
                Mistake(
                    origin,
                    "",
                    f"{file.name} is set too{f' in {other.name}' if other else ''}",
                    "only one of the two may be",
                )
            )
        elif isinstance(content, tuple):
            mistakes.append(Mistake(origin, "", *content))
        else:
            values: dict[str, Any] = {str(path[-1]): content}
            for key in reversed(path[:-1]):
                values = {str(key): values}
            merged.add(Layer(origin, values))
    return mistakes
