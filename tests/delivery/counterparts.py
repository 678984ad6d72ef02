"""For each channel its real other side on this machine, and how it is made to fail."""

from __future__ import annotations

import json
import socket
import sys
import warnings
from typing import TYPE_CHECKING, Any, Protocol

import apprise
from pydantic import SecretStr

from log_sentinel.delivery.apprise.settings import AppriseSettings
from log_sentinel.delivery.channels import Channel, open_channel
from log_sentinel.delivery.console.settings import ConsoleSettings
from log_sentinel.delivery.email.settings import EmailSettings
from log_sentinel.delivery.slack.settings import SlackSettings
from log_sentinel.delivery.webhook.settings import WebhookSettings
from tests.delivery.http_server import HttpServer, Reply
from tests.delivery.slack_api import TOKEN, SlackApi
from tests.delivery.smtp_server import PASSWORD, USER, SmtpServer

if TYPE_CHECKING:
    from pathlib import Path

BEARER, HMAC_KEY = "canary-bearer-token", "canary-hmac-key"


def unused_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Counterpart(Protocol):
    """The other side of a channel."""

    recipient: str

    def settings(self, **other: Any) -> Any:
        """Settings that reach it; `other` replaces some."""

    def texts(self) -> list[str]:
        """Everything that arrived, each message as one text."""

    def close(self) -> None: ...


class SlackBot:
    recipient = "slack"

    def __init__(self, _: Path) -> None:
        self.api = SlackApi()
        self.server = self.api.server

    def settings(self, **other: Any) -> SlackSettings:
        usual: dict[str, Any] = {
            "token": TOKEN,
            "channel": "#api-alerts",
            "base_url": self.api.base_url,
            "timeout": "2s",
        }
        return SlackSettings(**{**usual, **other})

    def dead(self) -> SlackSettings:
        return self.settings(base_url=f"http://127.0.0.1:{unused_port()}/api/")

    def wrong_secret(self) -> SlackSettings:
        return self.settings(token="xoxb-canary-wrong")

    def texts(self) -> list[str]:
        return [json.dumps(posted.payload, ensure_ascii=False) for posted in self.api.messages]

    def close(self) -> None:
        self.api.close()


class SlackHook(SlackBot):
    def settings(self, **other: Any) -> SlackSettings:
        return SlackSettings(**{"webhook_url": self.api.hook_url, "timeout": "2s", **other})

    def dead(self) -> SlackSettings:
        return self.settings(webhook_url=f"http://127.0.0.1:{unused_port()}/services/canary-webhook-secret")

    def wrong_secret(self) -> SlackSettings:
        self.api.fail("no_service")
        return self.settings()


class Webhook:
    recipient = "webhook"

    def __init__(self, _: Path) -> None:
        self.server = HttpServer()

    def settings(self, **other: Any) -> WebhookSettings:
        usual: dict[str, Any] = {
            "url": f"{self.server.url}/canary-url-path",
            "bearer": BEARER,
            "hmac": HMAC_KEY,
            "timeout": "2s",
        }
        return WebhookSettings(**{**usual, **other})

    def dead(self) -> WebhookSettings:
        return self.settings(url=f"http://127.0.0.1:{unused_port()}/canary-url-path")

    def wrong_secret(self) -> WebhookSettings:
        self.server.script.append(Reply(401))
        return self.settings()

    def texts(self) -> list[str]:
        return [request.body.decode() for request in self.server.requests]

    def close(self) -> None:
        self.server.close()


class Mail:
    recipient = "oncall@example.com"

    def __init__(self, folder: Path) -> None:
        self.smtp = SmtpServer(folder, "starttls", auth=True)

    def settings(self, **other: Any) -> EmailSettings:
        usual: dict[str, Any] = {
            "host": "localhost",
            "port": self.smtp.port,
            "ca_file": self.smtp.ca_file,
            "username": USER,
            "password": PASSWORD,
            "sender": "log-sentinel@example.com",
            "to": ("oncall@example.com",),
            "timeout": "5s",
        }
        return EmailSettings(**{**usual, **other})

    def dead(self) -> EmailSettings:
        return self.settings(port=unused_port())

    def wrong_secret(self) -> EmailSettings:
        return self.settings(password=SecretStr("canary-wrong"))

    def texts(self) -> list[str]:
        return [str(mail) for mail in self.smtp.mails]

    def close(self) -> None:
        self.smtp.close()


class Console:
    recipient = "stdout"

    def __init__(self, folder: Path) -> None:
        self._path = folder / "stdout"
        self._written = self._path.open("w", encoding="utf-8")

    def settings(self, **_: Any) -> ConsoleSettings:
        # here and not before: pytest puts its own in place when a test begins
        sys.stdout = self._written
        return ConsoleSettings()

    def texts(self) -> list[str]:
        self._written.flush()
        return [text for text in self._path.read_text("utf-8").split("\n\n") if text.strip()]

    def close(self) -> None:
        self._written.close()


class Service:
    """A service that apprise reaches: by its json:// scheme, for which any server will do."""

    recipient = "apprise"

    def __init__(self, _: Path) -> None:
        self._server = HttpServer()
        with warnings.catch_warnings():
            # one of apprise's plugins asks for a module that Python gives up
            warnings.simplefilter("ignore", DeprecationWarning)
            apprise.Apprise().add("json://localhost")

    def settings(self, **_: Any) -> AppriseSettings:
        return AppriseSettings.model_validate({"url": f"json://user:canary-key@127.0.0.1:{self._server.port}/hook"})

    def texts(self) -> list[str]:
        told = [json.loads(request.body) for request in self._server.requests]
        return [f"{one['title']}\n{one['message']}" for one in told]

    def close(self) -> None:
        self._server.close()


COUNTERPARTS = {
    "slack": SlackBot,
    "slack-webhook": SlackHook,
    "email": Mail,
    "webhook": Webhook,
    "console": Console,
    "apprise": Service,
}
HTTP = ["slack", "slack-webhook", "webhook"]
NETWORK = [*HTTP, "email"]


def channel_to(other_side: Any, **settings: Any) -> Channel:
    return open_channel(other_side.settings(**settings))
