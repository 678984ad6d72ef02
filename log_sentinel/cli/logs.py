"""Sets up what log-sentinel says of itself: structured, on stderr, one event a fact.

JSON when stderr is no terminal, coloured lines when it is one. Records of the libraries (APScheduler, uvicorn, alembic,
SQLAlchemy), warnings and the last words of dying threads take the same way. On it every value passes a redaction that
masks the secrets of the settings and whatever looks like one, and is made safe to print: fields hold log content.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, TextIO

import structlog

from log_sentinel.cli.floods import Floods
from log_sentinel.cli.visible import visible
from log_sentinel.config.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from structlog.typing import EventDict, Processor, WrappedLogger

    from log_sentinel.daemon.settings import LogSettings

# They speak of their own workings at info: connections opened, jobs added.
TALKATIVE = ("alembic", "asyncio", "slack_sdk", "sqlalchemy", "uvicorn", "watchdog")


def set_up(settings: LogSettings, secrets: Iterable[str], stream: TextIO | None = None) -> None:
    """Makes all logging of this process go to `stream` (stderr). May be called again with other settings or secrets."""
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # loggers live as long as their modules, and this may be set up again with other settings
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                Cleaning(secrets),
                _renderer(settings, stream),
            ],
        )
    )
    handler.addFilter(Floods())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    # that a run is merged into the next one is by design, and how a job fares is told by its state
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    logging.captureWarnings(True)
    threading.excepthook = _say_last_words


class Cleaning:
    """A structlog processor: no secret and no control character is left in any value."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._redact = Redaction(secrets)

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {
            self._clean(key): self._clean(value, lines=key in ("exception", "stack")) for key, value in event.items()
        }

    def _clean(self, value: Any, *, lines: bool = False) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {self._clean(key): self._clean(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._clean(inner) for inner in value]
        return visible(self._redact(str(value)), lines=lines)


def _renderer(settings: LogSettings, stream: TextIO) -> Processor:
    for_people = stream.isatty() if settings.format == "auto" else settings.format == "console"
    if not for_people:
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty() and not os.environ.get("NO_COLOR"),
        exception_formatter=structlog.dev.plain_traceback,
        timestamp_key="time",
    )


def _say_last_words(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        name = args.thread.name if args.thread else "?"
        structlog.get_logger(__name__).critical(
            "a thread died of an error of ours", thread=name, exc_info=args.exc_value
        )
