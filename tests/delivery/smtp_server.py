"""A real SMTP server (aiosmtpd) whose replies a test scripts, with TLS by an authority of its own, and AUTH."""

from __future__ import annotations

import asyncio
import ssl
import threading
import warnings
from collections import deque
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from typing import TYPE_CHECKING, Any, Literal

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

USER, PASSWORD = "sentinel", "canary-smtp-password"


class SmtpServer:
    """Keeps the mails it takes. `rcpt`, `data`: replies for the next commands of that name; otherwise all is taken."""

    def __init__(
        self,
        folder: Path,
        tls: Literal["starttls", "implicit", "none"] = "none",
        *,
        auth: bool = False,
        known_as: str = "localhost",
    ) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.rcpt: deque[str] = deque()
        self.data: deque[str] = deque()
        self.clear_commands: list[str] = []
        self.authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(self.ca_file)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(known_as).configure_cert(context)
        options: dict[str, Any] = {"hostname": "localhost", "ident": "test"}
        if auth:
            options |= {
                "authenticator": self._authenticated,
                "auth_required": True,
                "auth_require_tls": tls == "starttls",
            }
        if tls == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        self._loop = asyncio.new_event_loop()

        def session() -> SMTP:
            with warnings.catch_warnings():
                # it does not see that the TLS is around all of it
                warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
                return SMTP(self, loop=self._loop, **options)

        listening = self._loop.create_server(session, "127.0.0.1", 0, ssl=context if tls == "implicit" else None)
        self._server = self._loop.run_until_complete(listening)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> SmtpServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._server.close()
        self._loop.run_until_complete(self._end_sessions())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _end_sessions(self) -> None:
        sessions = asyncio.all_tasks() - {asyncio.current_task()}
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd looks for
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt and not (reply := self.rcpt.popleft()).startswith("250"):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd looks for
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        reply = self.data.popleft() if self.data else "250 OK"
        if reply.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.envelopes.append(envelope)
            mail = message_from_bytes(content, policy=POLICY)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        if reply == "drop" and server.transport is not None:
            server.transport.close()
        return reply

    def _authenticated(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        right = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)
