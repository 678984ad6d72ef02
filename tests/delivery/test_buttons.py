"""Buttons below an alert: pressed in Slack, heard over a websocket of our own, acted on as the commands are."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_sentinel.daemon.people import act, resolve
from log_sentinel.delivery.loop import Delivery
from log_sentinel.delivery.presses import Action
from log_sentinel.delivery.slack import socket_mode
from log_sentinel.delivery.slack.buttons import press_of
from log_sentinel.delivery.slack.settings import SlackSettings
from log_sentinel.incidents.silences import silencing
from log_sentinel.model.incident import IncidentState
from log_sentinel.store import incidents, silences
from tests.delivery.happenings import NOON, opened
from tests.delivery.scene import StepClock, record
from tests.delivery.slack_api import APP_TOKEN, TOKEN, SlackApi
from tests.delivery.socket_mode_server import SocketModeServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_sentinel.store.engine import Database

PATIENCE = 20


class Room:
    """A Slack channel with one alert in it, a daemon that listens, and people who press."""

    def __init__(self, database: Database, **settings: Any) -> None:
        self.database, self.clock = database, StepClock()
        self.slack, self.server = SlackApi(), SocketModeServer()
        self.slack.socket_url = self.server.url
        usual = {"token": TOKEN, "channel": "#api-alerts", "base_url": self.slack.base_url, "app_token": APP_TOKEN}
        self.delivery = Delivery(
            database,
            {"ops": SlackSettings.model_validate({**usual, **settings})},
            [],
            instance="edge-1",
            clock=self.clock,
            act=lambda press: act(database, press, self.clock()),
        )
        self.number = record(database, opened(), NOON)
        self.delivery.step()
        self.presses = 0

    def listen(self) -> None:
        self.delivery.listen()
        self.server.connected.get(timeout=PATIENCE)

    def press(self, action: str, **other: Any) -> dict[str, Any]:
        """Presses the button and waits until it was confirmed; gives the confirmation."""
        self.presses += 1
        self.server.send(envelope(f"e{self.presses}", payload(action, self.number, self.slack.messages[0].ts, **other)))
        number = f"e{self.presses}"
        while (confirmed := self.server.received.get(timeout=PATIENCE))["envelope_id"] != number:
            pass
        return dict(confirmed)

    def settled(self) -> None:
        """Until everything that was pressed is acted on: one that nobody can act on is confirmed after it."""
        self.server.send(envelope("last", {"type": "none"}))
        while self.server.received.get(timeout=PATIENCE)["envelope_id"] != "last":
            pass

    def tell(self) -> None:
        """What happened is told, at Slack's pace."""
        self.clock.step(seconds=2)
        self.delivery.step()

    def close(self) -> None:
        self.delivery.stop()
        self.server.close()
        self.slack.close()


def envelope(number: str, of: object) -> dict[str, Any]:
    return {"envelope_id": number, "type": "interactive", "accepts_response_payload": False, "payload": of}


def payload(action: str, number: int, ts: str, **other: Any) -> dict[str, Any]:
    """As Slack sends it: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload."""
    pressed = {
        "type": "button",
        "action_id": action,
        "block_id": "log_sentinel_incident",
        "text": {"type": "plain_text", "text": "..."},
        "value": str(number),
        "action_ts": "1795521600.1",
    }
    return {
        "type": "block_actions",
        "user": {"id": "U024BE7LH", "username": "kim", "name": "kim", "team_id": "T1"},
        "team": {"id": "T1", "domain": "example"},
        "container": {"type": "message", "message_ts": ts, "channel_id": "C1", "is_ephemeral": False},
        "channel": {"id": "C1", "name": "api-alerts"},
        "message": {"ts": ts, "text": "..."},
        "actions": [pressed],
        **other,
    }


@pytest.fixture
def room(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.setattr(socket_mode, "PACE", timedelta(milliseconds=10))
    monkeypatch.setattr(socket_mode, "LOOK_SECONDS", 0.02)
    here = Room(database)
    here.listen()
    yield here
    here.close()


def offered(of: dict[str, Any]) -> list[str]:
    return [button["action_id"] for block in of["blocks"] if block["type"] == "actions" for button in block["elements"]]


def test_who_acknowledges_is_recorded_told_in_the_thread_and_cannot_do_it_twice(room: Room) -> None:
    assert list(Action) == offered(room.slack.messages[0].now)
    assert {"envelope_id": "e1"} == room.press("acknowledge")
    room.press("acknowledge")
    room.settled()
    room.tell()
    history = incidents.show(room.database, room.number)
    assert (IncidentState.ACKNOWLEDGED, "kim (U024BE7LH)") == (
        history.incident.state,
        history.incident.acknowledged_by,
    )
    assert ["opened", "acknowledged"] == [happening.kind for happening in history.happenings]
    opening, step = room.slack.messages
    assert "Acknowledged by `kim (U024BE7LH)`" in step.payload["blocks"][0]["text"]["text"]
    assert list(Action)[1:] == offered(opening.now)
    assert ["Too late: it is acknowledged already."] == [one["text"] for one in room.slack.whispers]
    assert ["U024BE7LH"] == [one["user"] for one in room.slack.whispers]


def test_not_an_incident_resolves_it_and_keeps_that_as_the_reason(room: Room) -> None:
    room.press("not_an_incident")
    room.settled()
    room.tell()
    incident = incidents.show(room.database, room.number).incident
    assert (IncidentState.RESOLVED, "not an incident") == (incident.state, incident.evidence["resolved_as"])
    opening, step = room.slack.messages
    assert "Resolved by `kim (U024BE7LH)` (`not an incident`)" in step.payload["blocks"][0]["text"]["text"]
    assert offered(opening.now) == []


@pytest.mark.parametrize(("action", "hours"), [("silence_1h", 1), ("silence_24h", 24)])
def test_a_silence_mutes_for_as_long_as_the_button_says_and_the_thread_says_who_asked(
    room: Room, action: str, hours: int
) -> None:
    room.press(action)
    room.settled()
    (silence,) = silences.in_force(room.database, NOON)
    assert ("kim (U024BE7LH)", timedelta(hours=hours)) == (silence.who, silence.ends_at - silence.starts_at)
    incident = incidents.show(room.database, room.number).incident
    assert silence == silencing(incident, [silence], NOON)
    said = room.slack.messages[-1]
    assert room.slack.messages[0].ts == said.thread
    assert said.payload["text"].startswith("kim (U024BE7LH) silenced this until 2026-11-2")


def test_a_press_below_an_alert_that_is_not_ours_does_nothing(room: Room) -> None:
    room.press("acknowledge", container={"message_ts": "1795520000.000100", "channel_id": "C1"})
    room.press("acknowledge", container={"message_ts": room.slack.messages[0].ts, "channel_id": "C2"})
    room.settled()
    assert incidents.show(room.database, room.number).incident.state == IncidentState.OPEN
    assert ["Nothing was done", "Nothing was done"] == [one["text"][:16] for one in room.slack.whispers]


def test_an_incident_that_is_over_is_said_to_be(room: Room) -> None:
    resolve(room.database, room.number, "sam", NOON)
    room.press("acknowledge")
    room.settled()
    assert ["Too late: it is resolved already."] == [one["text"] for one in room.slack.whispers]


NOT_OURS = [
    "no json at all",
    "{",
    "[1, 2]",
    json.dumps({"type": "interactive"}),
    json.dumps({"type": "interactive", "envelope_id": "x", "payload": None}),
    json.dumps({"type": "interactive", "envelope_id": {"a": 1}, "payload": {}}),
    json.dumps(envelope("x", {"type": "view_submission", "user": {"id": "U024BE7LH"}})),
    json.dumps(envelope("x", payload("drop_tables", 1, "1.1"))),
    json.dumps(envelope("x", payload("acknowledge", 1, "1.1", user={"id": "<!channel>"}))),
    json.dumps(envelope("x", payload("acknowledge", 1, "1.1", actions=[]))),
    json.dumps({"type": "slash_commands", "envelope_id": "x", "payload": {"command": "/resolve"}}),
]


def test_what_none_of_our_buttons_sends_does_nothing_and_ends_nothing(room: Room) -> None:
    for sent in NOT_OURS:
        room.server.send(sent)
    room.press("acknowledge")
    room.settled()
    assert ["opened", "acknowledged"] == [one.kind for one in incidents.show(room.database, room.number).happenings]


def test_a_connection_that_breaks_or_that_slack_ends_is_made_anew(room: Room) -> None:
    room.server.hang_up()
    assert room.server.connected.get(timeout=PATIENCE) == 2
    room.server.send({"type": "disconnect", "reason": "refresh_requested"})
    assert room.server.connected.get(timeout=PATIENCE) == 3
    room.press("acknowledge")
    room.settled()
    assert incidents.show(room.database, room.number).incident.state == IncidentState.ACKNOWLEDGED


def test_only_those_may_press_whom_the_settings_name(database: Database) -> None:
    room = Room(database, may_press=["U0OTHER"])
    room.listen()
    room.press("acknowledge")
    room.settled()
    assert incidents.show(database, room.number).incident.state == IncidentState.OPEN
    assert ["You are not among"] == [one["text"][:17] for one in room.slack.whispers]
    room.close()


def test_without_an_app_token_there_are_no_buttons_and_nobody_listens(database: Database) -> None:
    room = Room(database, app_token=None)
    room.delivery.listen()
    assert offered(room.slack.messages[0].now) == []
    room.close()
    assert "apps.connections.open" not in room.slack.calls


def test_an_app_token_slack_refuses_is_said_and_not_tried_again_at_once(database: Database) -> None:
    room = Room(database, app_token="xapp-canary-wrong")
    client = client_of(room.slack.base_url, "xapp-canary-wrong")
    said = [client.try_to_connect(), client.try_to_connect()]
    client.close()
    room.close()
    assert said[0] == said[1]
    assert str(said[0]).startswith("Slack refuses the app token (invalid_auth). Copy the app-level token (xapp-...)")
    assert ["apps.connections.open"] == [call for call in room.slack.calls if call.startswith("apps")]


def client_of(base_url: str, app_token: str = APP_TOKEN) -> socket_mode._Client:
    settings = SlackSettings.model_validate(
        {"token": TOKEN, "channel": "C1", "app_token": app_token, "base_url": base_url}
    )
    assert settings.app_token is not None
    return socket_mode._Client(settings, settings.app_token)


@pytest.mark.parametrize("address", ["ws://evil.example/", "wss://evil.example:8443/", "http://evil.example", ""])
def test_an_address_that_is_not_encrypted_is_not_connected_to(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of("https://slack.example/api/")
    monkeypatch.setattr(client._api, "call", lambda *_: {"url": address})
    assert client.try_to_connect() == "Slack named an address that is not encrypted"
    client.close()


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(part=st.sampled_from(["type", "user", "container", "actions"]), other=ANY_JSON)
def test_a_payload_with_any_part_of_it_otherwise_is_no_press(part: str, other: object) -> None:
    whole = payload("acknowledge", 7, "1795521600.000100")
    assert press_of(whole) is not None
    assert press_of({**whole, part: other}) is None


@given(other=ANY_JSON)
def test_anything_else_is_no_press(other: object) -> None:
    assert press_of(other) is None


@pytest.mark.parametrize("value", ["0", "-1", "7; drop", "9" * 19, "", "7.0", "\u0667"])
def test_a_number_that_is_none_is_no_press(value: str) -> None:
    whole = payload("acknowledge", 7, "1795521600.000100")
    whole["actions"][0]["value"] = value
    assert press_of(whole) is None


def test_a_name_is_shown_as_it_is_and_does_nothing() -> None:
    user = {"id": "U024BE7LH", "username": "<!channel>\r\n*x*\u202e"}
    found = press_of(payload("acknowledge", 7, "1795521600.000100", user=user))
    assert found is not None
    assert found[0].who == "<!channel>\\x0d\\x0a*x*\\u202e (U024BE7LH)"
