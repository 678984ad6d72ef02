"""The user's own templates: they take the shipped ones' place, can break nothing, and reach nothing they should not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from log_sentinel.delivery.slack.message import Layout
from tests.delivery.happenings import message
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
