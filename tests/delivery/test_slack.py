"""Slack, as production uses it: slack-sdk pointed at a Slack of our own that checks Block Kit's limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from log_sentinel.delivery.abilities import CannotTell, LookedBackInto
from log_sentinel.delivery.channels import open_channel
from log_sentinel.delivery.slack.errors import TOO_RICH, WHEN_FIXED
from log_sentinel.delivery.slack.settings import SlackSettings
from log_sentinel.delivery.trying import try_channel
from log_sentinel.delivery.undeliverable import Undeliverable
from log_sentinel.model.spike import Severity
from tests.delivery.happenings import acknowledged, grew, message, notification, opened, resolved
from tests.delivery.http_server import Reply
from tests.delivery.slack_api import TOKEN, SlackApi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_sentinel.delivery.channels import Channel
    from log_sentinel.model.incident import Happening


@pytest.fixture
def slack() -> Iterator[SlackApi]:
    api = SlackApi()
    yield api
    api.close()


def bot(slack: SlackApi, **other: Any) -> Channel:
    usual: dict[str, Any] = {"token": TOKEN, "channel": "#api-alerts", "base_url": slack.base_url, "timeout": "5s"}
    return open_channel(SlackSettings(**{**usual, **other}))


def tell(channel: Channel, happening: Happening, reference: str | None = None) -> str | None:
    return channel.send(notification(happening, recipient="slack", opening_ref=reference), message(happening))


def header(payload: dict[str, Any]) -> str:
    return str(payload["blocks"][0]["text"]["text"])


def test_the_opening_is_edited_to_the_present_state_and_each_step_is_in_its_thread(slack: SlackApi) -> None:
    channel = bot(slack)
    opening = tell(channel, opened())
    tell(channel, grew(), opening)
    tell(channel, resolved(), opening)
    first, *steps = slack.messages
    assert [first.ts, first.ts] == [step.thread for step in steps]
    assert header(first.payload) == "🔴 CRITICAL  Denial spike: client acme-prod"
    assert header(first.now) == "🟢 RESOLVED  Denial spike: client acme-prod"
    assert "Resolved after 41 min: 3,376 denials" in steps[-1].payload["blocks"][0]["text"]["text"]


def test_the_channels_id_is_used_after_the_first_message_since_an_edit_takes_no_name(slack: SlackApi) -> None:
    channel = bot(slack)
    opening = tell(channel, opened())
    tell(channel, grew(), opening)
    assert [posted.payload["channel"] for posted in slack.messages] == ["#api-alerts", "C1"]


@pytest.mark.parametrize(
    ("happening", "severity", "loud"),
    [
        (resolved, Severity.CRITICAL, True),
        (resolved, Severity.WARNING, False),
        (grew, Severity.CRITICAL, False),
        (acknowledged, Severity.CRITICAL, False),
    ],
)
def test_only_what_was_critical_is_shown_to_the_whole_channel_when_it_ends(
    slack: SlackApi, happening: Any, severity: Severity, loud: bool
) -> None:
    channel = bot(slack)
    opening = tell(channel, opened(severity=severity))
    tell(channel, happening(severity=severity), opening)
    assert loud == slack.messages[-1].payload["reply_broadcast"]


def test_a_deleted_opening_is_followed_by_a_new_one_that_says_all(slack: SlackApi) -> None:
    channel = bot(slack)
    opening = tell(channel, opened())
    slack.messages.clear()
    again = tell(channel, grew(), opening)
    assert again != opening
    assert slack.messages[0].thread is None
    assert header(slack.messages[0].payload).startswith("🔴 CRITICAL")


def test_an_opening_that_may_not_be_edited_any_more_still_gets_its_thread(slack: SlackApi) -> None:
    channel = bot(slack)
    opening = tell(channel, opened())
    slack.fail("edit_window_closed")
    tell(channel, resolved(), opening)
    assert slack.messages[0].ts == slack.messages[1].thread


@pytest.mark.parametrize("code", sorted(TOO_RICH))
def test_what_slack_finds_too_rich_is_sent_as_plain_words_once(slack: SlackApi, code: str) -> None:
    slack.fail(code)
    tell(bot(slack), opened())
    payload = slack.messages[0].payload
    assert "blocks" not in payload
    assert "acme-prod was denied 412 times" in payload["text"]
    slack.fail(code, code)
    with pytest.raises(Undeliverable) as why:
        tell(bot(slack), opened())
    assert why.value.retry == "never"


@pytest.mark.parametrize("code", sorted(WHEN_FIXED))
def test_what_a_person_has_to_mend_is_said_with_slacks_word_for_it_and_what_to_do(slack: SlackApi, code: str) -> None:
    slack.fail(code)
    with pytest.raises(Undeliverable) as why:
        tell(bot(slack), opened())
    assert ("when_fixed", f"({code}). " in why.value.reason) == (why.value.retry, True)


@pytest.mark.parametrize("code", ["ratelimited", "fatal_error", "a_code_of_next_year"])
def test_what_may_pass_is_tried_again(slack: SlackApi, code: str) -> None:
    slack.fail(code)
    with pytest.raises(Undeliverable) as why:
        tell(bot(slack), opened())
    assert why.value.retry == "later"


def test_an_answer_in_html_is_said_to_be_none_of_slacks(slack: SlackApi) -> None:
    slack.server.script.append(Reply(200, b"<html>Please log in to the guest network</html>"))
    with pytest.raises(Undeliverable) as why:
        tell(bot(slack), opened())
    assert (
        why.value.reason
        == "Slack's answer is not Slack's: status 200 and no JSON. Is base_url right, or a proxy in the way?"
    )
    assert why.value.unclear


def test_slack_sdk_does_not_try_again_by_itself(slack: SlackApi) -> None:
    slack.server.script.extend([Reply(429, b"", {"Retry-After": "1"}), Reply(500), Reply(drop=True)])
    for _ in range(3):
        with pytest.raises(Undeliverable):
            tell(bot(slack), opened())
    assert len(slack.server.requests) == 3


def test_nothing_of_a_log_is_looked_up_linked_or_mentioned_by_slack(slack: SlackApi) -> None:
    tell(bot(slack), opened(key="<!channel> @here https://evil.example/x"))
    payload = slack.messages[0].payload
    assert tuple(payload[name] for name in ("unfurl_links", "unfurl_media", "link_names", "parse")) == (
        False,
        False,
        False,
        "none",
    )
    assert "https://evil" not in str(payload)


def test_the_metadata_by_which_a_message_is_known_again_holds_its_key(slack: SlackApi) -> None:
    tell(bot(slack), opened())
    expected = {"event_type": "log_sentinel_alert", "event_payload": {"incident": 1042, "key": "1042.3.7"}}
    assert expected == slack.messages[0].payload["metadata"]


def test_by_webhook_every_step_is_a_message_under_the_incidents_number(slack: SlackApi) -> None:
    channel = open_channel(SlackSettings(webhook_url=slack.hook_url))
    for happening in (opened(), grew(), resolved()):
        assert tell(channel, happening) is None
    assert len([posted for posted in slack.messages if "#1042" in str(posted.payload)]) == 3


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"token": "xoxb-wrong"}, "Slack does not know the token (invalid_auth)."),
        ({"channel": "#nowhere"}, "Slack has no such channel, or it is private and the bot is not in it"),
    ],
)
def test_trying_the_channel_says_plainly_what_is_wrong(slack: SlackApi, settings: dict[str, str], said: str) -> None:
    usual = {"token": TOKEN, "channel": "#api-alerts", "base_url": slack.base_url}
    result = try_channel("ops", SlackSettings(**{**usual, **settings}))
    assert not result.ok
    assert result.said.startswith(said)


def arrived(channel: Channel, happening: Happening, key: str = "1042.3.7", **other: Any) -> str | None:
    assert isinstance(channel, LookedBackInto)
    return channel.arrived(notification(happening, recipient="slack", **other), key)


def test_a_message_whose_answer_was_lost_is_found_in_the_history(slack: SlackApi) -> None:
    channel = bot(slack, channel="C1")
    assert tell(channel, opened()) == arrived(channel, opened())


def test_a_step_whose_answer_was_lost_is_found_in_the_thread(slack: SlackApi) -> None:
    channel = bot(slack)
    opening = tell(channel, opened())
    tell(channel, grew(), opening)
    slack.messages[-1].payload["metadata"]["event_payload"]["key"] = "1042.4.8"
    assert opening == arrived(channel, grew(), "1042.4.8", opening_ref=opening)


def test_a_message_that_did_not_arrive_is_not_found(slack: SlackApi) -> None:
    assert arrived(bot(slack, channel="C1"), opened()) is None


def test_of_a_thread_that_was_deleted_nothing_has_arrived(slack: SlackApi) -> None:
    slack.fail("thread_not_found")
    assert arrived(bot(slack), grew(), opening_ref="C1:1") is None


def test_without_the_history_scope_nobody_can_tell_and_nobody_looks_twice(slack: SlackApi) -> None:
    slack.history_scope = False
    channel = bot(slack, channel="C1")
    for _ in range(2):
        with pytest.raises(CannotTell):
            arrived(channel, opened())
    assert slack.calls == ["conversations.history"]


def test_by_a_name_alone_nobody_can_tell_until_something_was_posted(slack: SlackApi) -> None:
    channel = bot(slack)
    with pytest.raises(CannotTell):
        arrived(channel, opened())
    tell(channel, opened())
    assert arrived(channel, opened()) is not None


def test_a_look_back_that_slack_does_not_answer_is_no_answer(slack: SlackApi) -> None:
    slack.server.script.append(Reply(503))
    with pytest.raises(Undeliverable):
        arrived(bot(slack, channel="C1"), opened())


def test_by_webhook_nobody_can_look(slack: SlackApi) -> None:
    with pytest.raises(CannotTell):
        arrived(open_channel(SlackSettings(webhook_url=slack.hook_url)), opened())
