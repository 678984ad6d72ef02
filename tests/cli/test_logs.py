import io
import json
import logging
import threading
import warnings
from collections.abc import Iterator

import pytest
import structlog

from log_sentinel.cli.logs import set_up
from log_sentinel.daemon.settings import LogSettings
from tests.cli.running import logging_as_before

CANARY = "canary-secret-1234"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    with logging_as_before():
        yield


def listening(secrets: tuple[str, ...] = (), **settings: str) -> io.StringIO:
    stream = io.StringIO()
    set_up(LogSettings.model_validate(settings), secrets, stream)
    return stream


def events(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_what_is_no_terminal_gets_json_with_time_level_and_fields() -> None:
    stream = listening()

    structlog.get_logger("part").info("lines committed", source="edge", n=7)

    [event] = events(stream)
    assert str(event.pop("time")).endswith("Z")
    assert event == {"event": "lines committed", "level": "info", "logger": "part", "source": "edge", "n": 7}


def test_the_level_of_the_settings_holds() -> None:
    stream = listening(level="warning")

    structlog.get_logger("part").info("not told")
    structlog.get_logger("part").warning("told")

    assert [event["event"] for event in events(stream)] == ["told"]


def test_libraries_and_warnings_speak_the_same_way() -> None:
    stream = listening()

    logging.getLogger("apscheduler.scheduler").info("added job")
    logging.getLogger("apscheduler.scheduler").error("job %s failed", "tick")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        logging.captureWarnings(True)
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)

    failed, warned = events(stream)
    assert failed["event"] == "job tick failed"
    assert "old ways" in str(warned["event"])


def test_secrets_reach_no_field_no_message_and_no_traceback() -> None:
    stream = listening((CANARY,))
    log = structlog.get_logger("part")

    log.error(f"refused {CANARY}", token=CANARY, nested={"deep": [CANARY]}, url=f"postgresql://me:{CANARY}@db/x")
    logging.getLogger("slack_sdk").error("token xoxb-1234567890-abc of %s", CANARY)
    error = ValueError(f"no access with {CANARY} or xoxb-1234567890-abc")
    log.error("failed", exc_info=error)

    said = stream.getvalue()
    assert CANARY not in said
    assert "xoxb-1234567890" not in said
    assert "ValueError: no access with *** or ***" in str(events(stream)[2]["exception"])


def test_log_content_can_neither_begin_a_line_nor_move_the_cursor() -> None:
    stream = listening(format="console")

    structlog.get_logger("part").warning("odd line", line="x\n2026 [info] all is well\x1b[1A\u202e", n=1)

    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()
    assert "u202e" in stream.getvalue()


def test_a_thread_that_dies_is_told_as_an_event_without_secrets() -> None:
    stream = listening((CANARY,))

    def die() -> None:
        raise RuntimeError(f"lost {CANARY}")

    thread = threading.Thread(target=die, name="reading")
    thread.start()
    thread.join()

    [event] = events(stream)
    assert (event["level"], event["thread"]) == ("critical", "reading")
    assert "RuntimeError: lost ***" in str(event["exception"])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_coloured_lines_unless_it_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    coloured, plain = Terminal(), Terminal()

    monkeypatch.delenv("NO_COLOR", raising=False)
    set_up(LogSettings(), (), coloured)
    structlog.get_logger("part").info("lines committed", line="\x1b[2J")
    monkeypatch.setenv("NO_COLOR", "1")
    set_up(LogSettings(), (), plain)
    structlog.get_logger("part").info("lines committed", line="\x1b[2J")

    assert "\x1b[" in coloured.getvalue()
    assert "\x1b[2J" not in coloured.getvalue()
    assert "\x1b" not in plain.getvalue()
    assert "lines committed" in plain.getvalue()


def test_it_can_be_set_up_again_with_other_secrets() -> None:
    listening()
    stream = listening((CANARY,))

    structlog.get_logger("part").info(CANARY)

    assert [event["event"] for event in events(stream)] == ["***"]
