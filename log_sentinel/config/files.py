"""Finds the settings file and its conf.d, reads TOML."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from log_sentinel.config.layers import Layer
from log_sentinel.config.mistakes import BadSettings, Mistake

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "LOG_SENTINEL_CONFIG"
LOOKED_FOR = (Path("log-sentinel.toml"), Path("/etc/log-sentinel/log-sentinel.toml"))
DROP_INS = "conf.d"
# tomllib says where in brackets at the end of its message
POSITION = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


def find(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The settings file: `path` if one is named, else $LOG_SENTINEL_CONFIG, else the first that is there, else None.

    A file that was named is returned whether it exists or not: reading it will say so.
    """
    if path is not None:
        return path
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE])
    return next((place for place in LOOKED_FOR if place.exists()), None)


def read(main: Path) -> list[Layer]:
    """The layers of a settings file and of every `conf.d/*.toml` beside it, in the order of their names.

    Raises BadSettings with what is wrong in each file that cannot be read.
    """
    layers, mistakes = [], []
    for path in (main, *sorted((main.parent / DROP_INS).glob("*.toml"))):
        content = _content(path)
        if isinstance(content, Mistake):
            mistakes.append(content)
        else:
            layers.append(Layer(str(path), content, path.parent))
    if mistakes:
        raise BadSettings(mistakes)
    return layers


def _content(path: Path) -> dict[str, object] | Mistake:
    try:
        return tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError:
        return Mistake(str(path), "", "no such file", "`log-sentinel config sample` prints one to begin with")
    except OSError as error:
        return Mistake(str(path), "", f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return Mistake(
            str(path), f"line {line}", f"byte 0x{error.object[error.start]:02x} is not UTF-8", "save it as UTF-8"
        )
    except tomllib.TOMLDecodeError as error:
        found = POSITION.fullmatch(str(error))
        message = found[1] if found else str(error)
        where = f"line {found[2]}, column {found[3]}" if found and found[2] else "at its end"
        return Mistake(str(path), where, f"not TOML: {message[:1].lower()}{message[1:]}")
    except RecursionError:
        return Mistake(str(path), "", "not TOML: nested too deeply")
