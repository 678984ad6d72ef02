"""The user's own templates: they take the shipped ones' place, can break nothing, and reach nothing they should not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from log_sentinel.delivery.apprise.message import Texts
from log_sentinel.delivery.console.message import Lines
from log_sentinel.delivery.slack.message import Layout
from log_sentinel.delivery.webhook.message import Documents, body
from tests.delivery.happenings import grew, message, notification, opened
from tests.delivery.slack_api import problems

if TYPE_CHECKING:
    from pathlib import Path


def layout(folder: Path, template: str) -> Layout:
    (folder / "incident.mrkdwn.j2").write_text(template)
    return Layout(folder)


def texts(payload: dict[str, list[dict[str, dict[str, str]]]]) -> list[str]:
    return [block["text"]["text"] for block in payload["blocks"] if "text" in block]


def test_a_block_of_the_shipped_template_is_changed_alone(tmp_path: Path) -> None:
    own = layout(
        tmp_path,
        '{% extends "shipped/incident.mrkdwn.j2" %}{% block next %}Ask {{ m.figures[0].label }}.{% endblock %}',
    )
    payload = own.incident(message())
    assert "Ask Denials." in texts(payload)
    assert len(payload["blocks"]) == len(Layout().incident(message())["blocks"])


def test_a_value_stays_a_value_whatever_a_template_does_with_it(tmp_path: Path) -> None:
    own = layout(
        tmp_path,
        "{% set x %}{{ m.rule }}{% endset %}{% macro f(y) %}{{ y }}{% endmacro %}"
        "{% block summary %}{{ m.rule }} {{ x }} {{ f(m.rule) }} {{ m.rule | upper }} {{ m.rule ~ '!' }}{% endblock %}",
    )
    payload = own.incident(message(rule="<!channel> *x*"))
    assert problems(payload) == []
    assert "*x*" not in texts(payload)[1].replace("`&lt;!channel&gt; *x*`", "")


@pytest.mark.parametrize(
    "template",
    [
        "{% block summary %}{{ nothing.here }}{% endblock %}",
        "{% block summary %}{{ 1 / 0 }}{% endblock %}",
        "{% block summary %}{{ m.rule | safe }}{% endblock %}",
        "{% block summary %}",
        "{% block summary %}{{ m.__class__.__mro__ }}{% endblock %}",
        "{% block summary %}{{ ''.__class__.__base__.__subclasses__() }}{% endblock %}",
    ],
)
def test_a_template_that_fails_or_reaches_too_far_gives_way_to_the_shipped_one(tmp_path: Path, template: str) -> None:
    payload = layout(tmp_path, template).incident(message())
    assert Layout().incident(message()) == payload


def test_a_message_beyond_slacks_budget_loses_its_last_blocks_and_stays_a_message(tmp_path: Path) -> None:
    blocks = "".join(f"{{% block b{n} %}}{'word ' * 500}{{% endblock %}}" for n in range(60))
    payload = layout(tmp_path, blocks).incident(message())
    assert problems(payload) == []
    assert 2 <= len(payload["blocks"]) <= 5


def test_a_document_of_ones_own_is_json_whatever_the_values_are(tmp_path: Path) -> None:
    (tmp_path / "incident.json.j2").write_text('{"text": "{{ m.title }}", "n": {{ m.number }}, "<&>": "\'"}')
    nasty = "\"}, \\ {{ 7 * 7 }} <b> \ud800 '"
    told = opened(key=nasty)
    written = json.loads(Documents(tmp_path).body(notification(told), message(told)))
    assert {"text", "n", "<&>"} == written.keys()
    assert (str(message(told).title), 1042) == (written["text"], written["n"])


@pytest.mark.parametrize("template", ["{{ nothing.here }}", '{"text": {{ m.title }}}', "not json"])
def test_a_document_that_fails_or_is_none_gives_way_to_the_shipped_one(tmp_path: Path, template: str) -> None:
    (tmp_path / "incident.json.j2").write_text(template)
    assert body(notification(opened()), message()) == Documents(tmp_path).body(notification(opened()), message())


@pytest.mark.parametrize("own", ["incident.txt.j2", "step.txt.j2"])
def test_the_console_and_apprise_have_their_templates_too(tmp_path: Path, own: str) -> None:
    (tmp_path / own).write_text("Our own: {{ m.title }}")
    told = message(opened() if own.startswith("incident") else grew())
    assert "Our own: Denial spike: client acme-prod" == Lines(tmp_path, colour=False).text(told)
    assert "Our own: Denial spike: client acme-prod" == Texts(tmp_path).body(told)
