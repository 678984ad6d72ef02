"""A real SMTP server that wants a password and keeps what it is sent."""

from __future__ import annotations

import email.policy
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from typing import TYPE_CHECKING, Any

import pytest

from tests.end_to_end.real_nginx import a_free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


class Mailbox:
    """The mails that arrived at `port`, in their order."""

    def __init__(self, username: str, password: str) -> None:
        self.port = a_free_port()
        self.mails: list[EmailMessage] = []
        self._login = (username.encode(), password.encode())

    def to(self, recipient: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if recipient in str(mail["To"])]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        mail = BytesParser(EmailMessage, policy=email.policy.default).parsebytes(envelope.content)
        self.mails.append(mail)
        return "250 kept"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> Any:
        from aiosmtpd.smtp import AuthResult

        return AuthResult(success=(given.login, given.password) == self._login)


@contextmanager
def a_mailbox(username: str, password: str) -> Iterator[Mailbox]:
    controller = pytest.importorskip("aiosmtpd.controller", reason="no SMTP server: aiosmtpd is missing")
    mailbox = Mailbox(username, password)
    server = controller.Controller(
        mailbox,
        hostname="127.0.0.1",
        port=mailbox.port,
        authenticator=mailbox.authenticate,
        auth_required=True,
        auth_require_tls=False,
    )
    server.start()
    try:
        yield mailbox
    finally:
        server.stop()
