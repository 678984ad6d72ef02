"""How messages look, kept as files to be read in review. UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from log_sentinel.delivery.console.message import Lines
from log_sentinel.delivery.email.message import Letters
from log_sentinel.delivery.message.listing import compose_list
from log_sentinel.delivery.slack.message import Layout
from log_sentinel.delivery.webhook.message import facts
from tests.delivery.happenings import DASHBOARD, NOON, message, notification
from tests.delivery.stories import SAMPLES, STORIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_sentinel.delivery.message.message import Message
    from log_sentinel.model.incident import Happening

GOLDEN = Path(__file__).parent / "golden"


def test_a_list_looks_as_it_was_agreed() -> None:
    told = [notification(story, id=at) for at, story in enumerate(STORIES.values(), 1)]
    told = [replace(one, incident_id=one.id, happening=numbered(one.id, one.happening)) for one in told]
    message = compose_list(told, instance="kong-eu-1", now=NOON + timedelta(minutes=12), dashboard=DASHBOARD)
    expected(GOLDEN / "several" / "slack.json", json.dumps(Layout().incident(message), indent=2, ensure_ascii=False))
    expected(GOLDEN / "several" / "console.txt", Lines(colour=False).text(message) + "\n")


def numbered(number: int, happening: Happening) -> Happening:
    return replace(happening, incident=replace(happening.incident, id=number))


def slack(_: Happening, told: Message) -> str:
    layout = Layout()
    payloads = {"incident": layout.incident(told), "step": layout.step(told)}
    return json.dumps(payloads, indent=2, ensure_ascii=False)


def mail(told: Message, part: str) -> str:
    letter = Letters("log-sentinel@example.com").letter(told, "oncall@example.com", "<first@example.com>", NOON)
    body = letter.get_body((part,))
    assert body is not None
    head = "".join(f"{name}: {value}\n" for name, value in letter.items() if name != "Content-Type")
    return head + "\n" + body.get_content() if part == "plain" else str(body.get_content())


def webhook(happening: Happening, told: Message) -> str:
    return json.dumps(facts(notification(happening), told), indent=2, ensure_ascii=False)


def console(_: Happening, told: Message) -> str:
    return Lines(colour=False).text(told) + "\n"


FORMS: dict[str, Callable[[Happening, Message], str]] = {
    "slack.json": slack,
    "mail.txt": lambda _, told: mail(told, "plain"),
    "mail.html": lambda _, told: mail(told, "html"),
    "webhook.json": webhook,
    "console.txt": console,
}


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("form", FORMS)
def test_the_message_looks_as_it_was_agreed(story: str, form: str) -> None:
    told = message(STORIES[story], sample=SAMPLES.get(story))
    expected(GOLDEN / story / form, FORMS[form](STORIES[story], told))


def expected(path: Path, shown: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(shown, "utf-8")
    assert path.read_text("utf-8") == shown
