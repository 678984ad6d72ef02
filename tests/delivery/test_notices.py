"""How what log-sentinel tells of itself looks: what, and what to do; nothing of denials."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from log_sentinel.delivery.console.message import Lines
from log_sentinel.delivery.email.message import Letters
from log_sentinel.delivery.message.composing import NOTHING_KNOWN, compose
from log_sentinel.delivery.slack.message import Layout
from log_sentinel.model.incident import Happening, HappeningKind, IncidentState
from log_sentinel.model.spike import Dimension, Severity
from tests.delivery.happenings import NOON, incident, notification

if TYPE_CHECKING:
    from log_sentinel.delivery.message.message import Message

SAYS = "10.0.0.7, which is no address of the Internet, has 90 of 120 denials: you are seeing your proxy"
TODO = "Name it in trusted_proxies of the source."


def told(kind: HappeningKind = HappeningKind.OPENED, **other: Any) -> Message:
    notice = {
        "rule": "proxy-seen",
        "dimension": Dimension.SELF,
        "key": "edge-1: addresses",
        "severity": Severity.NOTICE,
        "observed": 0,
        "expected": None,
        "window_minutes": 0,
        "peak": 0,
        "total": 0,
        "evidence": {"what": "addresses", "says": SAYS, "todo": TODO},
        "finding": {},
        "labels": {"instance": "edge-1"},
    }
    happening = Happening(kind, NOON, incident(**{**notice, **other}), "log-sentinel")
    return compose(notification(happening), NOTHING_KNOWN, instance="edge-1", now=NOON)


def test_a_notice_says_what_was_found_and_what_to_do() -> None:
    message = told()

    assert "log-sentinel: addresses" == str(message.title)
    assert f"log-sentinel, addresses: {SAYS} (#1042)" == str(message.headline)
    assert f"{SAYS}." == str(message.summary) == str(message.happened)
    assert [TODO, "All that was found, on one page:"] == [str(step.words) for step in message.steps]
    assert (None, (), None, ()) == (message.verdict, message.figures, message.chart, message.samples)


def test_its_end_is_told_without_figures_of_denials() -> None:
    over = NOON + timedelta(hours=2)
    message = told(HappeningKind.RESOLVED, state=IncidentState.RESOLVED, since=NOON, resolved_at=over)

    assert "Resolved: addresses is as it should be again after 2 h (#1042)" == str(message.headline)
    assert () == message.steps


def test_a_report_shows_its_figures() -> None:
    figures = [["Lines read", "1,204"], ["Denials", "3"]]
    message = told(evidence={"what": "report of 2026-11-24", "says": "log-sentinel works", "figures": figures})

    assert figures == [[one.label, str(one.value)] for one in message.figures]
    assert () == message.steps


def test_every_channel_calls_it_a_notice() -> None:
    message = told()

    assert "NOTICE  log-sentinel: addresses" in Layout().incident(message)["blocks"][0]["text"]["text"]
    letter = Letters("log-sentinel@example.com").letter(message, "oncall@example.com", None, NOON)
    assert "[NOTICE] #1042 log-sentinel: addresses (edge-1)" == letter["Subject"]
    assert SAYS in Lines(colour=True).text(message)


def test_what_a_server_or_a_path_says_in_it_is_data() -> None:
    message = told(evidence={"what": "source edge", "says": "<!channel> *x* \x1b[2J", "todo": TODO})

    text = str(Layout().incident(message))
    assert "<!channel>" not in text
    assert "\x1b" not in Lines(colour=False).text(message)
