"""What an SMTP server's refusals mean. RFC 5321 4.2.1: 4yz may pass later, 5yz will not; RFC 4954 and RFC 3207 for
AUTH and STARTTLS.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from typing import TYPE_CHECKING

from log_sentinel.delivery.message.text import quoted
from log_sentinel.delivery.undeliverable import Undeliverable

if TYPE_CHECKING:
    from log_sentinel.delivery.email.settings import EmailSettings

# 5yz answers that are about this one mail or address; any other 5yz is about the server or us, and needs a person
ABOUT_THE_ADDRESS = frozenset({550, 551, 553, 501})
ABOUT_THE_MAIL = frozenset({552, 554})


def verdict(why: Exception, settings: EmailSettings, *, unclear: bool) -> Undeliverable:
    """What `why`, raised by smtplib, means for the mail. Answers of the server are shown; what we sent is not."""
    where = f"{settings.host}:{settings.port_used}"
    match why:
        case smtplib.SMTPAuthenticationError() if why.smtp_code >= 500:
            return Undeliverable(
                "when_fixed",
                f"{where} refused the password of {settings.username} ({_said(why)}). Check username and password.",
            )
        case smtplib.SMTPRecipientsRefused():
            code, text = next(iter(why.recipients.values()))
            return _by_code(
                code, f"{where} refused the recipient ({code} {_words(text)})", "Check the address in `to`."
            )
        case smtplib.SMTPSenderRefused():
            reason = f"{where} refused the sender {settings.sender} ({_said(why)})"
            return Undeliverable(
                "later" if why.smtp_code < 500 else "when_fixed",
                f"{reason}. Check sender, and whether the server wants a password.",
            )
        case smtplib.SMTPNotSupportedError():
            return Undeliverable("when_fixed", f"{where}: {_unsupported(settings)}")
        case smtplib.SMTPResponseException():
            return _by_code(
                why.smtp_code, f"{where} refused the mail ({_said(why)})", "", unclear=unclear and why.smtp_code < 500
            )
        case ssl.SSLCertVerificationError():
            return Undeliverable(
                "when_fixed",
                (
                    f"{where}: its certificate is not trusted ({why.verify_message}). Mend the certificate, set "
                    "ca_file, or the host's right name."
                ),
            )
        case ssl.SSLError():
            return Undeliverable(
                "when_fixed",
                (
                    f'{where}: TLS failed ({why.reason or "no reason given"}). Is tls = "{settings.tls}" right '
                    "for this port?"
                ),
            )
        case UnicodeError():
            return Undeliverable(
                "when_fixed", "username or password has characters beyond ASCII, which SMTP's AUTH does not carry here"
            )
        case socket.gaierror():
            return Undeliverable(
                "later", f"{settings.host}: the name is not known to DNS. Check host, and the network."
            )
        case ConnectionRefusedError():
            return Undeliverable("later", f"{where}: connection refused: nothing listens there. Check host and port.")
        case TimeoutError():
            return Undeliverable(
                "later", f"{where}: no answer within {settings.timeout.total_seconds():.0f} s", unclear=unclear
            )
        case _:
            # smtplib.SMTPServerDisconnected, or the operating system
            said = why.strerror.lower() if isinstance(why, OSError) and why.strerror else "the connection broke"
            return Undeliverable("later", f"{where}: {said}", unclear=unclear)  # fmt: skip


def _by_code(code: int, reason: str, advice: str, *, unclear: bool = False) -> Undeliverable:
    if code < 500:
        return Undeliverable("later", reason, unclear=unclear)
    for_good = code in ABOUT_THE_ADDRESS or code in ABOUT_THE_MAIL
    return Undeliverable("never" if for_good else "when_fixed", f"{reason}. {advice}".strip())


def _unsupported(settings: EmailSettings) -> str:
    if settings.tls == "starttls":
        return (
            'offers no STARTTLS (or no AUTH after it), and nothing is sent in clear. Set tls = "implicit" with '
            "its port, or leave the password out."
        )
    return "offers no AUTH. Leave username and password out, or use the port that takes them."


def _said(why: smtplib.SMTPResponseException) -> str:
    return f"{why.smtp_code} {_words(why.smtp_error)}"


def _words(text: bytes | str) -> str:
    return str(quoted(text.decode("utf-8", "replace") if isinstance(text, bytes) else text, 160))
