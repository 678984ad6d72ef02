"""How a command ends: the one place where exceptions become sentences and exit codes.

    0 done   1 failed   2 used wrongly (typer)   75 try again later   78 bad settings   130 interrupted

Exceptions are told apart by their names, because importing the store to know its exceptions would make every command
pay for SQLAlchemy. What is not in the table is a bug of ours: it is shown with its traceback, secrets masked.
"""

from __future__ import annotations

import io
import sys
import traceback
from typing import TYPE_CHECKING, NoReturn

from log_sentinel.cli.visible import visible
from log_sentinel.config.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from typer.core import TyperGroup

FAILED, TRY_AGAIN_LATER, BAD_SETTINGS, INTERRUPTED = 1, 75, 78, 130

CODES = {
    "log_sentinel.config.mistakes.BadSettings": BAD_SETTINGS,
    "log_sentinel.parsing.definitions.BadDefinition": BAD_SETTINGS,
    "log_sentinel.detection.rules.BadRule": BAD_SETTINGS,
    "log_sentinel.store.faults.DatabaseUnavailable": TRY_AGAIN_LATER,
    "log_sentinel.store.faults.StoreError": FAILED,
    "log_sentinel.store.adhoc.Refused": FAILED,
    "log_sentinel.store.incidents.NoSuchIncident": FAILED,
    "log_sentinel.store.silences.NoSuchSilence": FAILED,
    "log_sentinel.incidents.states.NoSuchStep": FAILED,
    "log_sentinel.store.owner.Owned": TRY_AGAIN_LATER,
    "log_sentinel.sources.opening.CannotRead": FAILED,
    "log_sentinel.sources.listening.CannotListen": FAILED,
    "log_sentinel.daemon.once.NoFormat": FAILED,
    "log_sentinel.backtest.history.NoHistory": FAILED,
    "log_sentinel.web.serving.ListenError": FAILED,
}

_secrets: set[str] = set()


class Failed(Exception):  # the name says what happened, as every exception here does
    """A command could not do what it was asked; its text is for the user. `code` is what the program exits with."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def keep_secret(secrets: Iterable[str]) -> None:
    """From now on no message or traceback of this process shows any of `secrets`."""
    _secrets.update(secrets)


def run(program: TyperGroup) -> NoReturn:
    """Runs the program and exits."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a terminal that cannot show a character must not end the command
            stream.reconfigure(errors="backslashreplace")
    try:
        program(prog_name="log-sentinel")
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:  # noqa: BLE001  # the last place: what comes here is told and ends the process
        sys.stdout.flush()
        message, code = told(error)
        print(message, file=sys.stderr)
        sys.exit(code)


def told(error: Exception) -> tuple[str, int]:
    """The message for people and the exit code of an exception."""
    redact = Redaction(_secrets)
    code = _code(error)
    if code is not None:
        return visible(redact(sentence(error)), lines=True), code
    trace = "".join(traceback.format_exception(type(error), error, _from_our_code_on(error.__traceback__)))
    return f"{visible(redact(trace), lines=True)}This is a mistake in log-sentinel itself; please report it.", FAILED


def _code(error: Exception) -> int | None:
    """The exit code of what a user or the world can cause, None for our own mistakes."""
    if isinstance(error, Failed):
        return error.code
    if isinstance(error, OSError) and error.filename is not None:
        return FAILED  # a file that is missing, unreadable, a folder: the system's words with its name say it all
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    return next((CODES[name] for name in names if name in CODES), None)


def _from_our_code_on(trace: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames of the command line's library, which come first in every one."""
    step = trace.tb_next if trace else None
    while step and "log_sentinel" not in step.tb_frame.f_code.co_filename:
        step = step.tb_next
    return step or trace


def sentence(error: Exception) -> str:
    """What an exception says to people: of the system's own, the file and what is the matter with it."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
