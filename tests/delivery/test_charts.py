"""Pictures of the last hours: drawn beside the daemon, uploaded to Slack once, shown within the mail; or left out."""

from __future__ import annotations

import email
import email.policy
import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from log_sentinel.delivery.channels import open_channel
from log_sentinel.delivery.charts import drawing
from log_sentinel.delivery.charts.drawing import SIGNATURE, drawn
from log_sentinel.delivery.charts.plot import bars, minutes_a_bar, plot
from log_sentinel.delivery.email.message import Letters
from log_sentinel.delivery.slack.settings import SlackSettings
from tests.delivery.happenings import NOON, grew, message, notification, opened, resolved, with_everything
from tests.delivery.slack_api import TOKEN, SlackApi
from tests.delivery.stories import MATTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_sentinel.delivery.channels import Channel
    from log_sentinel.model.incident import Happening

PNG = SIGNATURE + b"..."


@pytest.fixture
def slack() -> Iterator[SlackApi]:
    api = SlackApi()
    yield api
    api.close()


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every chart is drawn at once."""
    for place in ("slack.pictures", "email.send"):
        monkeypatch.setattr(f"log_sentinel.delivery.{place}.drawn", lambda _: PNG)


def bot(slack: SlackApi) -> Channel:
    return open_channel(
        SlackSettings.model_validate({"token": TOKEN, "channel": "#api-alerts", "base_url": slack.base_url})
    )


def tell(channel: Channel, happening: Happening, reference: str | None = None) -> str | None:
    return channel.send(notification(happening, recipient="slack", opening_ref=reference), message(happening))


def images(of: dict[str, Any]) -> list[str]:
    return [block["slack_file"]["id"] for block in of.get("blocks", []) if block["type"] == "image"]


def test_a_chart_is_drawn_by_a_process_that_ends_and_the_daemon_never_loads_the_renderer(charts: None) -> None:
    chart = message(MATTERS["log-silent"]).chart
    assert chart is not None
    png = drawn(chart)
    assert png is not None
    assert (SIGNATURE, b"IEND") == (png[:8], png[-8:-4])
    assert "vl_convert" not in sys.modules


def test_without_the_extra_the_chart_stays_text() -> None:
    chart = message(opened()).chart
    assert chart is not None
    assert drawn(chart) is None


@pytest.mark.parametrize("module", ["tests.no_such_module", "json.tool"])
def test_a_renderer_that_fails_is_said_and_does_without(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(drawing, "RENDERER", "json")
    run = subprocess.run
    monkeypatch.setattr(
        drawing.subprocess, "run", lambda args, **how: run([args[0], "-m", module], **how)  # type: ignore[attr-defined]
    )  # fmt: skip
    chart = message(opened()).chart
    assert chart is not None
    assert drawn(chart) is None
    assert "chart could not be drawn" in capsys.readouterr().out


def test_the_plot_has_a_bar_for_each_minute_up_to_the_last_and_the_usual_across() -> None:
    chart = message(opened()).chart
    assert chart is not None
    drawn_bars, line, *_ = plot(chart)["layer"]
    assert 180 == len(chart.counts)
    assert list(chart.counts) == [bar["n"] for bar in drawn_bars["data"]["values"]]
    assert "2026-11-24T12:01:00Z" == drawn_bars["data"]["values"][-1]["to"]
    assert [{"usual": 0.6}] == line["data"]["values"]
    assert 1 == len(plot(replace(chart, usual=None))["layer"])


def test_a_bar_of_a_long_incident_is_the_mean_of_its_minutes() -> None:
    chart = message(opened()).chart
    assert chart is not None
    long = replace(chart, counts=tuple(range(1, 362)))
    assert [3 * at for at in range(1, 121)] == bars(long)
    assert 3 == minutes_a_bar(long)


def test_nothing_of_a_log_gets_into_a_chart() -> None:
    chart = message(with_everything("<script>canary")).chart
    assert chart is not None
    assert "canary" not in json.dumps(plot(chart))


def test_it_is_uploaded_once_shown_by_every_edit_and_drawn_anew_at_the_end(slack: SlackApi, painter: None) -> None:
    channel = bot(slack)
    opening = tell(channel, opened())
    tell(channel, grew(), opening)
    tell(channel, resolved(), opening)
    first = slack.messages[0]
    assert [["F0000"], ["F0000"], ["F0002"]] == [images(form) for form in (first.payload, *first.edits)]
    assert {"F0000": PNG, "F0002": PNG} == slack.files
    assert slack.titles["F0000"].startswith("denials in the last 3 h, at most 96 a minute")


def test_without_the_scope_for_files_the_chart_is_text_and_nobody_asks_twice(slack: SlackApi, painter: None) -> None:
    slack.files_scope = False
    channel = bot(slack)
    opening = tell(channel, opened())
    tell(channel, grew(), opening)
    assert [[], []] == [images(form) for form in (slack.messages[0].payload, slack.messages[0].now)]
    assert 1 == slack.calls.count("files.getUploadURLExternal")


def test_a_picture_that_slack_cannot_show_yet_is_left_out(slack: SlackApi, painter: None) -> None:
    channel = bot(slack)
    post = slack._post
    slack._post = (  # type: ignore[method-assign]
        lambda body: slack_says("invalid_blocks") if images(body) else post(body)
    )
    tell(channel, opened())
    assert [] == images(slack.messages[0].payload)
    assert len(slack.messages[0].payload["blocks"]) > 3


def slack_says(code: str) -> Any:
    from tests.delivery.slack_api import _json

    return _json({"ok": False, "error": code})


def test_a_failing_upload_does_not_keep_the_alert(slack: SlackApi, painter: None) -> None:
    slack.fail("internal_error")
    tell(bot(slack), opened())
    assert [] == images(slack.messages[0].payload)


def test_a_mail_shows_it_from_within(painter: None) -> None:
    told = message(opened())
    letter = Letters("log-sentinel@example.com").letter(told, "oncall@example.com", None, NOON, PNG)
    read = email.message_from_bytes(letter.as_bytes(), policy=email.policy.default)
    parts = [part.get_content_type() for part in read.walk()]
    assert ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"] == parts
    *_, page, picture = read.walk()
    assert PNG == picture.get_content()
    assert f'<img src="cid:{picture["Content-ID"].strip("<>")}"' in page.get_content()
    assert "inline" == picture.get_content_disposition()
    assert "▂█" in read.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_a_mail_without_one_shows_no_empty_frame() -> None:
    letter = Letters("log-sentinel@example.com").letter(message(opened()), "oncall@example.com", None, NOON)
    body = letter.get_body(("html",))
    assert body is not None
    assert "<img" not in body.get_content()
