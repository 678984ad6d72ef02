"""Sends through apprise: one URL, one service. https://github.com/caronc/apprise/wiki

apprise says yes or no, and writes the reason to its log, at times with the URL's keys: of that only the HTTP status is
read.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from log_sentinel.delivery.apprise.message import Texts
from log_sentinel.delivery.undeliverable import Retry, Undeliverable
from log_sentinel.model.incident import IncidentState
from log_sentinel.model.spike import Severity

if TYPE_CHECKING:
    from log_sentinel.delivery.apprise.settings import AppriseSettings
    from log_sentinel.delivery.message.message import Message
    from log_sentinel.model.notification import Notification

STATUS = re.compile(r"error=(\d{3})\b")
# As in webhook.send: the message is what is refused; everything else of 4xx is the URL or its keys.
LATER, NEVER = frozenset({408, 425, 429}), frozenset({400, 413, 422})
KINDS = {Severity.CRITICAL: "failure", Severity.WARNING: "warning"}


class AppriseChannel:
    """One service."""

    pace_seconds = 1.0

    def __init__(self, settings: AppriseSettings) -> None:
        self._settings = settings
        self._texts = Texts(settings.templates)

    def send(self, _: Notification, message: Message) -> None:
        """Tells it. Raises Undeliverable."""
        service = self._service()
        kind = "success" if message.state is IncidentState.RESOLVED else KINDS.get(message.severity, "info")
        with _Overheard() as said:
            taken = service.notify(
                title=self._texts.title(message), body=self._texts.body(message), notify_type=kind, body_format="text"
            )
        if not taken:
            raise _refused(self._name, said.status)

    def probe(self) -> str:
        """Nothing can be known of a service without telling it something; that apprise knows it can."""
        self._service()
        return self._name

    def close(self) -> None:
        """Holds nothing open."""

    @property
    def _name(self) -> str:
        return self._settings.url.get_secret_value().partition("://")[0]

    def _service(self) -> Any:
        try:
            import apprise
        except ImportError:
            raise Undeliverable(
                "when_fixed", 'apprise is not installed. Run `pip install "log-sentinel[apprise]"`.'
            ) from None
        service = apprise.Apprise()
        with _Overheard():
            known = service.add(self._settings.url.get_secret_value())
        if not known:
            raise Undeliverable("when_fixed", f"{self._name}: apprise does not know this URL. Check url.")
        return service


def _refused(name: str, status: int | None) -> Undeliverable:
    if status is None:
        return Undeliverable("later", f"{name}: no answer, or none that apprise understands", unclear=True)
    said = f"{name} answered {status}"
    retry: Retry = "when_fixed"
    if status in LATER or status >= 500:
        retry = "later"
    elif status in NEVER:
        return Undeliverable("never", f"{said}: it does not take this message")
    advice = ". Check url, and the keys in it." if retry == "when_fixed" else ""
    return Undeliverable(retry, f"{said}{advice}", unclear=status >= 500)


class _Overheard(logging.Handler):
    """Listens to apprise's log while it works, and keeps it from everybody else: it shows keys."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.status: int | None = None
        self._log = logging.getLogger("apprise")

    def emit(self, record: logging.LogRecord) -> None:
        found = STATUS.search(record.getMessage())
        if found is not None:
            self.status = int(found[1])

    def __enter__(self) -> _Overheard:
        self._before = (self._log.level, self._log.propagate)
        self._log.setLevel(logging.DEBUG)
        self._log.propagate = False
        self._log.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._log.removeHandler(self)
        self._log.level, self._log.propagate = self._before
