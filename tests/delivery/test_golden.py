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
from log_sentinel.model.incident import Happening, HappeningKind
from log_sentinel.model.spike import Dimension, Severity
from tests.delivery.happenings import NOON, acknowledged, grew, incident, message, notification, opened, resolved

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden"

SCANNER = {
    "statuses": [["403", 412]],
    "causes": [["resource_policy", 300], ["authentication", 112]],
    "ips": [["198.51.100.23", 412]],
    "routes": [["/wp-login.php", 40], ["/.env", 31], ["/admin", 30], ["/phpmyadmin", 22], ["/api/v1", 4]],
    "routes_distinct": 96,
    "clients_distinct": 0,
    "minutes": [0] * 12 + [40, 90, 130, 90, 62],
}
STORIES: dict[str, Happening] = {
    "client-opened": opened(),
    "client-grew": grew(),
    "client-escalated": Happening(HappeningKind.ESCALATED, NOON, incident(severity=Severity.CRITICAL)),
    "client-acknowledged": acknowledged(),
    "client-resolved": resolved(),
    "ip-scanner": opened(
        dimension=Dimension.IP,
        key="198.51.100.23",
        rule="ip-spike",
        severity=Severity.WARNING,
        expected=0.0,
        evidence=SCANNER,
        finding={},
    ),
    "route-cause-unknown": opened(
        dimension=Dimension.ROUTE,
        key="/v1/orders/{id}",
        rule="route-spike",
        expected=None,
        finding={"cause": "unknown", "denied_by": "unknown", "confidence": 0.0},
        evidence={
            "clients_distinct": 214,
            "clients": [["acme", 40], ["globex", 31]],
            "ips_distinct": 300,
            "ips": [["192.0.2.1", 9]],
        },
    ),
    "everything-flood": opened(
        dimension=Dimension.ALL,
        key="",
        rule="denials-flood",
        observed=48_211,
        peak=48_211,
        total=112_040,
        expected=12.0,
        finding={"cause": "rate_limit", "denied_by": "gateway", "confidence": 0.97},
    ),
}


def test_a_list_looks_as_it_was_agreed() -> None:
    told = [notification(story, id=at) for at, story in enumerate(STORIES.values(), 1)]
    told = [replace(one, incident_id=one.id, happening=numbered(one.id, one.happening)) for one in told]
    message = compose_list(told, instance="kong-eu-1", now=NOON + timedelta(minutes=12))
    expected(GOLDEN / "several" / "slack.json", json.dumps(Layout().incident(message), indent=2, ensure_ascii=False))
    expected(GOLDEN / "several" / "console.txt", Lines(colour=False).text(message) + "\n")


def numbered(number: int, happening: Happening) -> Happening:
    return replace(happening, incident=replace(happening.incident, id=number))


def slack(happening: Happening) -> str:
    told, layout = message(happening), Layout()
    payloads = {"incident": layout.incident(told), "step": layout.step(told)}
    return json.dumps(payloads, indent=2, ensure_ascii=False)


def mail(happening: Happening, part: str) -> str:
    letter = Letters("log-sentinel@example.com").letter(
        message(happening), "oncall@example.com", "<first@example.com>", NOON
    )
    body = letter.get_body((part,))
    assert body is not None
    head = "".join(f"{name}: {value}\n" for name, value in letter.items() if name != "Content-Type")
    return head + "\n" + body.get_content() if part == "plain" else str(body.get_content())


def webhook(happening: Happening) -> str:
    return json.dumps(facts(notification(happening), message(happening)), indent=2, ensure_ascii=False)


def console(happening: Happening) -> str:
    return Lines(colour=False).text(message(happening)) + "\n"


FORMS: dict[str, Callable[[Happening], str]] = {
    "slack.json": slack,
    "mail.txt": lambda happening: mail(happening, "plain"),
    "mail.html": lambda happening: mail(happening, "html"),
    "webhook.json": webhook,
    "console.txt": console,
}


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("form", FORMS)
def test_the_message_looks_as_it_was_agreed(story: str, form: str) -> None:
    expected(GOLDEN / story / form, FORMS[form](STORIES[story]))


def expected(path: Path, shown: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(shown, "utf-8")
    assert path.read_text("utf-8") == shown
