"""What can be set wrong about channels and routes, and that it is said without saying a secret."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from log_sentinel.config.section import Section
from log_sentinel.delivery.channels import CHANNELS
from log_sentinel.delivery.routing import Routing
from log_sentinel.delivery.settings import ChannelSettings, Route, unknown_channels
from tests.delivery.happenings import NOON, grew, opened
from tests.delivery.scene import Noting

if TYPE_CHECKING:
    from log_sentinel.model.incident import Happening


class Tree(Section):
    """As the settings of the daemon hold them."""

    channels: dict[str, ChannelSettings]


def channel(settings: dict[str, Any]) -> Any:
    return Tree.model_validate({"channels": {"ops": settings}}).channels["ops"]


BOT = {"type": "slack", "token": "xoxb-canary", "channel": "#ops"}
MAIL = {"type": "email", "host": "smtp.example.com", "sender": "a@example.com", "to": ["b@example.com"]}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"type": "slack"}, "no way in; set token (or token_file) and channel, or webhook_url (or webhook_url_file)"),
        (
            {**BOT, "channel": None},
            'channel is missing; a bot needs to know where to post, as in channel = "#api-alerts"',
        ),
        ({**BOT, "webhook_url": "https://hooks.slack.com/canary"}, "both token and webhook_url are set"),
        ({"type": "slack", "webhook_url": "canary"}, "webhook_url is no URL"),
        ({**BOT, "token": "canary and more"}, "no token or URL has"),
        ({**BOT, "token": "canärý"}, "no token or URL has"),
        ({**BOT, "token": ""}, "no token or URL has"),
        ({"type": "webhook", "url": "https://x", "bearer": "canary\r\nX: y"}, "no token or URL has"),
        ({**BOT, "chanel": "#ops"}, "Extra inputs are not permitted"),
        ({**MAIL, "to": []}, "at least 1 item"),
        ({**MAIL, "to": ["b@example.com\r\nBcc: c@example.com"]}, "not a mail address"),
        ({**MAIL, "to": ["nobody"]}, "not a mail address"),
        ({**MAIL, "sender": "Ops <a@example.com>"}, "not a mail address"),
        ({**MAIL, "username": "a"}, "username and password go together"),
        ({**MAIL, "tls": "none", "username": "a", "password": "canary"}, "a password would cross the network in clear"),
        ({**MAIL, "port": 0}, "greater than or equal to 1"),
        ({**MAIL, "timeout": "soon"}, "a duration is a number and a unit"),
        ({"type": "webhook", "url": "ftp://canary"}, "url is no URL"),
        ({"type": "slak"}, "does not match any of the expected tags"),
    ],
)
def test_a_mistake_is_named_and_no_secret_with_it(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as why:
        channel(settings)
    assert said in str(why.value)
    assert "canary" not in str(why.value)


def test_a_newline_after_a_token_is_no_part_of_it() -> None:
    assert channel({**BOT, "token": "xoxb-canary\n"}).token.get_secret_value() == "xoxb-canary"


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("implicit", 465), ("none", 25)])
def test_the_port_follows_from_the_kind_of_tls(tls: str, port: int) -> None:
    assert port == channel({**MAIL, "tls": tls}).port_used
    assert channel({**MAIL, "tls": tls, "port": 2525}).port_used == 2525


def test_every_recipient_is_told_once() -> None:
    assert channel({**MAIL, "to": ["b@example.com"] * 2}).recipients() == ("b@example.com",)


@pytest.mark.parametrize(
    ("match", "said"),
    [
        ({"severity": "loud"}, "severity: one of notice, info, warning, critical is allowed"),
        ({"colour": "red"}, "allowed are severity, kind, dimension, rule, route, service and label.NAME"),
    ],
)
def test_a_route_that_can_never_match_is_refused(match: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Route(match=match, to=["ops"])


def test_a_route_to_a_channel_that_is_not_set_up_is_found() -> None:
    routes = [Route(to=["ops"]), Route(to=["ops", "pager"])]
    assert unknown_channels({"ops": Noting()}, routes) == [(1, "pager")]


@pytest.mark.parametrize(
    ("match", "happening", "told"),
    [
        ({}, opened(), True),
        ({"severity": "critical"}, opened(), True),
        ({"severity": "critical", "dimension": "ip"}, opened(), False),
        ({"kind": "opened"}, grew(), False),
        ({"rule": "client-spike"}, opened(), True),
        ({"label.team": "payments"}, opened(labels={"team": "payments"}), True),
        ({"label.team": "payments"}, opened(), False),
    ],
)
def test_a_route_matches_when_every_value_does(match: dict[str, str], happening: Happening, told: bool) -> None:
    routing = Routing({"ops": Noting()}, [Route(match=match, to=["ops"])])
    assert told == bool(routing.recipients(happening, set(), NOON))


def test_two_routes_to_one_channel_tell_it_once() -> None:
    routing = Routing({"ops": Noting()}, [Route(to=["ops"]), Route(match={"severity": "critical"}, to=["ops"])])
    assert len(routing.recipients(opened(), set(), NOON)) == 1


def test_reading_the_settings_loads_no_frames_and_no_sdk() -> None:
    heavy = {"polars", "slack_sdk", "jinja2", "sqlalchemy"}
    loaded = f"import sys, log_sentinel.delivery.settings; print(sorted({heavy} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


def test_a_channel_is_one_folder_of_three_modules() -> None:
    for kind in CHANNELS:
        assert f"log_sentinel.delivery.{kind.name}.send:" in kind.opens
        assert kind.settings.__module__ == f"log_sentinel.delivery.{kind.name}.settings"
