"""Sends mail by SMTP: one connection and one recipient a mail, all of it within a deadline.

With `tls = "starttls"` nothing but EHLO and STARTTLS is said in clear: a server that does not offer it, or somebody in
between who strips it, gets no mail and no password.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from log_sentinel.delivery.charts.drawing import drawn
from log_sentinel.delivery.email.errors import verdict
from log_sentinel.delivery.email.message import Letters
from log_sentinel.delivery.undeliverable import Undeliverable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_sentinel.delivery.email.settings import EmailSettings
    from log_sentinel.delivery.message.message import Message
    from log_sentinel.model.notification import Notification


class EmailChannel:
    """One mail server and the people it reaches."""

    pace_seconds = 0.0

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._letters = Letters(settings.sender, settings.templates)

    def send(self, notification: Notification, message: Message) -> str:
        """Mails it to the notification's recipient; gives the Message-ID of the incident's first mail to them.

        Raises Undeliverable.
        """
        if notification.recipient not in self._settings.recipients():
            raise Undeliverable("never", f"{notification.recipient} is no longer among the channel's recipients")
        chart = None if message.chart is None else drawn(message.chart)
        mail = self._letters.letter(message, notification.recipient, notification.opening_ref, datetime.now(UTC), chart)
        with self._session() as session:
            session.handed_over = True
            session.server.send_message(mail, self._settings.sender, [notification.recipient])
            session.accepted = True
        return notification.opening_ref or self._letters.message_id(message)

    def probe(self) -> str:
        """Whether the server lets us in, without a mail; gives what was reached. Raises Undeliverable."""
        with self._session() as session:
            session.server.noop()
        return f"{self._settings.host}:{self._settings.port_used}, mail to {', '.join(self._settings.recipients())}"

    def close(self) -> None:
        """Holds nothing open."""

    @contextmanager
    def _session(self) -> Iterator[_Session]:
        session = _Session(self._settings)
        try:
            session.open()
            yield session
        except (smtplib.SMTPException, OSError, ValueError) as why:
            # after the server has taken the mail nothing that goes wrong matters
            if not session.accepted:
                raise verdict(why, self._settings, unclear=session.handed_over) from None
        finally:
            session.close()


class _Session:
    """A connection that is cut when its time is up."""

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._seconds = settings.timeout.total_seconds()
        self.handed_over = False
        self.accepted = False
        self._trust = _trust(settings)
        self.server = (
            smtplib.SMTP_SSL(timeout=self._seconds, context=self._trust)
            if settings.tls == "implicit"
            else smtplib.SMTP(timeout=self._seconds)
        )
        self._deadline = threading.Timer(self._seconds, self._hang_up)
        self._deadline.daemon = True

    def open(self) -> None:
        settings = self._settings
        self._deadline.start()
        # smtplib checks the certificate against the name the constructor was given; we connect later, so that a
        # deadline runs
        self.server._host = settings.host  # type: ignore[attr-defined]  # noqa: SLF001
        code, text = self.server.connect(settings.host, settings.port_used)
        if code != 220:
            raise smtplib.SMTPConnectError(code, text)
        self.server.ehlo_or_helo_if_needed()
        if settings.tls == "starttls":
            self.server.starttls(context=self._trust)
            self.server.ehlo()
        if settings.username is not None and settings.password is not None:
            self.server.login(settings.username, settings.password.get_secret_value())

    def close(self) -> None:
        self._deadline.cancel()
        with suppress(smtplib.SMTPException, OSError):
            if self.accepted:
                self.server.quit()
        with suppress(OSError):
            self.server.close()

    def _hang_up(self) -> None:
        connected = self.server.sock
        if connected is not None:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)


def _trust(settings: EmailSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError:
        # ssl.SSLError too: a file that is there and holds no certificate
        raise Undeliverable(
            "when_fixed", f"ca_file {settings.ca_file}: no certificates can be read from it. Name a PEM file."
        ) from None
