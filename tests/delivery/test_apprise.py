"""Services that apprise reaches, tried with its json:// scheme against a server of our own."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis

from log_sentinel.delivery.apprise.message import Texts
from log_sentinel.delivery.apprise.settings import AppriseSettings
from log_sentinel.delivery.channels import open_channel
from log_sentinel.delivery.trying import try_channel
from log_sentinel.delivery.undeliverable import Undeliverable
from log_sentinel.model.spike import Severity
from tests.delivery.counterparts import unused_port
from tests.delivery.happenings import grew, message, notification, opened, resolved
from tests.delivery.http_server import HttpServer, Reply
from tests.delivery.test_hostile_text import ANYTHING, EXAMPLES, told_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_sentinel.model.incident import Happening

# one of apprise's plugins asks for it while it is loaded
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

KEY = "canary-apprise-key"


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer() as one:
        yield one


def settings(port: int) -> AppriseSettings:
    return AppriseSettings.model_validate({"url": f"json://user:{KEY}@127.0.0.1:{port}/hook"})


def tell(server: HttpServer, happening: Happening) -> None:
    open_channel(settings(server.port)).send(notification(happening), message(happening))


def refused(server: HttpServer, status: int) -> Undeliverable:
    server.script.append(Reply(status))
    with pytest.raises(Undeliverable) as why:
        tell(server, opened())
    return why.value


def test_a_service_is_told_the_line_of_a_phone_the_whole_and_how_grave_it_is(server: HttpServer) -> None:
    for happening in (opened(), opened(severity=Severity.WARNING), grew(), resolved()):
        tell(server, happening)
    told = [json.loads(request.body) for request in server.requests]
    assert ["failure", "warning", "failure", "success"] == [one["type"] for one in told]
    assert told[0]["title"].startswith("Client acme-prod denied 412 times with 403 and 429 in 5 min, usually 3.")
    assert "Probable cause: insufficient permissions" in told[0]["message"]
    assert "Resolved after 41 min" in told[3]["message"]


@pytest.mark.parametrize(
    ("status", "retry", "unclear"),
    [
        (500, "later", True),
        (503, "later", True),
        (429, "later", False),
        (401, "when_fixed", False),
        (404, "when_fixed", False),
        (400, "never", False),
        (413, "never", False),
    ],
)
def test_what_an_answer_means(server: HttpServer, status: int, retry: str, unclear: bool) -> None:
    why = refused(server, status)
    assert (retry, unclear) == (why.retry, why.unclear)
    assert why.reason.startswith(f"json answered {status}")


def test_a_dead_host_is_tried_again_and_no_key_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Undeliverable) as why:
        open_channel(settings(unused_port())).send(notification(opened()), message(opened()))
    assert ("later", True) == (why.value.retry, why.value.unclear)
    assert KEY not in "".join([*capsys.readouterr(), why.value.reason])


def test_a_url_apprise_does_not_know_is_said_without_it() -> None:
    result = try_channel("pager", AppriseSettings.model_validate({"url": f"nosuch://{KEY}"}))
    assert (False, "nosuch: apprise does not know this URL. Check url.") == (result.ok, result.said)


def test_without_the_extra_it_is_said_how_to_get_it(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    result = try_channel("pager", settings(server.port))
    assert 'apprise is not installed. Run `pip install "log-sentinel[apprise]"`.' == result.said


@settings_of_hypothesis(max_examples=EXAMPLES, deadline=None)
@given(text=ANYTHING)
def test_no_mention_link_or_markup_of_a_log_takes_effect_in_any_service(text: str) -> None:
    texts, told, harmless = Texts(), told_of(text), told_of("x")
    shown = texts.title(told) + texts.body(told)
    ours = texts.title(harmless) + texts.body(harmless)
    for sign in ("@", "<", ">", "`", "*", "[", "://", "www.", "mailto:"):
        assert sign not in ours
        assert sign not in shown
