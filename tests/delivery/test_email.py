"""Mail through a real SMTP server: TLS, AUTH, refusals, and what the mail is like when it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from log_sentinel.delivery.channels import open_channel
from log_sentinel.delivery.email.settings import EmailSettings
from log_sentinel.delivery.undeliverable import Undeliverable
from tests.delivery.happenings import grew, message, notification, opened, resolved
from tests.delivery.smtp_server import PASSWORD, USER, SmtpServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from log_sentinel.model.incident import Happening

TO = "oncall@example.com"


@pytest.fixture
def smtp(tmp_path: Path) -> Iterator[SmtpServer]:
    with SmtpServer(tmp_path) as server:
        yield server


def settings(server: SmtpServer, **other: Any) -> EmailSettings:
    usual = {"host": "localhost", "port": server.port, "tls": "none", "sender": "log-sentinel@example.com", "to": (TO,)}
    return EmailSettings(**{**usual, "ca_file": server.ca_file, "timeout": "5s", **other})


def tell(how: EmailSettings, happening: Happening | None = None, reference: str | None = None) -> str | None:
    told = happening or opened()
    return open_channel(how).send(notification(told, recipient=TO, opening_ref=reference), message(told))


def failure(how: EmailSettings) -> Undeliverable:
    with pytest.raises(Undeliverable) as why:
        tell(how)
    return why.value


def test_a_mail_has_both_parts_and_the_headers_that_keep_it_from_being_answered_or_lost(smtp: SmtpServer) -> None:
    reference = tell(settings(smtp))
    mail = smtp.mails[0]
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail["Subject"] == "[FIRING] #1042 Denial spike: client acme-prod (kong-eu-1)"
    assert (reference, "auto-generated", "1") == (mail["Message-ID"], mail["Auto-Submitted"], mail["X-Priority"])
    assert reference == "<1042.3.7.log-sentinel@example.com>"
    assert mail["Date"].datetime.tzinfo is not None
    assert ([smtp.envelopes[0].mail_from], smtp.envelopes[0].rcpt_tos) == (["log-sentinel@example.com"], [TO])


def test_an_incident_is_one_conversation(smtp: SmtpServer) -> None:
    first = tell(settings(smtp))
    for happening in (grew(), resolved()):
        tell(settings(smtp), happening, first)
    assert [None, first, first] == [mail["References"] for mail in smtp.mails]
    assert [None, first, first] == [mail["In-Reply-To"] for mail in smtp.mails]
    subjects = {mail["Subject"].partition("] ")[2] for mail in smtp.mails}
    assert {"#1042 Denial spike: client acme-prod (kong-eu-1)"} == subjects
    assert [mail["Subject"].split()[0] for mail in smtp.mails] == ["[FIRING]", "[FIRING]", "[RESOLVED]"]


def test_the_same_message_has_the_same_message_id_at_every_attempt(smtp: SmtpServer) -> None:
    assert tell(settings(smtp)) == tell(settings(smtp))


@pytest.mark.parametrize(
    ("reply", "retry"),
    [
        ("450 4.2.1 Greylisted, try again in five minutes", "later"),
        ("451 4.3.0 Local error", "later"),
        ("421 4.3.2 Shutting down", "later"),
        ("550 5.1.1 No such user", "never"),
        ("552 5.2.2 Mailbox full", "never"),
        ("530 5.7.0 Authentication required", "when_fixed"),
    ],
)
def test_a_refused_recipient(smtp: SmtpServer, reply: str, retry: str) -> None:
    smtp.rcpt.append(reply)
    why = failure(settings(smtp))
    assert retry == why.retry
    assert reply.split(" ", 1)[1] in why.reason


@pytest.mark.parametrize(
    ("reply", "retry", "unclear"),
    [
        ("451 4.7.1 Greylisted", "later", True),
        ("554 5.7.1 Looks like spam", "never", False),
        ("drop", "later", True),
    ],
)
def test_a_refused_mail(smtp: SmtpServer, reply: str, retry: str, unclear: bool) -> None:
    smtp.data.append(reply)
    why = failure(settings(smtp))
    assert (retry, unclear) == (why.retry, why.unclear)


def test_somebody_who_is_no_longer_to_be_told_is_not(smtp: SmtpServer) -> None:
    with pytest.raises(Undeliverable) as why:
        open_channel(settings(smtp)).send(notification(opened(), recipient="gone@example.com"), message())
    assert (
        why.value.retry,
        why.value.reason,
    ) == ("never", "gone@example.com is no longer among the channel's recipients")


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_tls_and_password(tmp_path: Path, tls: Any) -> None:
    with SmtpServer(tmp_path, tls, auth=True) as server:
        tell(settings(server, tls=tls, username=USER, password=PASSWORD))
        assert len(server.mails) == 1
        why = failure(settings(server, tls=tls, username=USER, password="canary-wrong"))
        assert why.retry == "when_fixed"
        assert f"refused the password of {USER} (535" in why.reason


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_nobody_vouches_for_gets_no_mail(tmp_path: Path, tls: Any) -> None:
    with SmtpServer(tmp_path, tls) as server:
        why = failure(settings(server, tls=tls, ca_file=None))
        assert why.retry == "when_fixed"
        assert "its certificate is not trusted" in why.reason
        assert server.mails == []


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_of_another_host_gets_no_mail(tmp_path: Path, tls: Any) -> None:
    with SmtpServer(tmp_path, tls, known_as="mail.evil.example") as server:
        why = failure(settings(server, tls=tls))
        assert why.retry == "when_fixed"
        assert "its certificate is not trusted" in why.reason


def test_a_server_that_offers_no_starttls_gets_no_mail_and_no_password(smtp: SmtpServer) -> None:
    why = failure(settings(smtp, tls="starttls", username=USER, password=PASSWORD))
    assert why.retry == "when_fixed"
    assert "offers no STARTTLS" in why.reason
    assert smtp.mails == []


def test_tls_on_a_port_that_speaks_clear_text_is_said_to_be_the_wrong_kind(smtp: SmtpServer) -> None:
    why = failure(settings(smtp, tls="implicit"))
    assert 'Is tls = "implicit" right for this port?' in why.reason


def test_a_name_no_dns_knows(smtp: SmtpServer) -> None:
    why = failure(settings(smtp, host="smtp.invalid"))
    assert (
        why.retry,
        why.reason,
    ) == ("later", "smtp.invalid: the name is not known to DNS. Check host, and the network.")


def test_a_leading_dot_and_long_lines_arrive_as_they_were(smtp: SmtpServer) -> None:
    tell(settings(smtp), opened(key=".\n." + "x" * 300))
    text = smtp.mails[0].get_body(("plain",))
    assert text is not None
    assert "\\x0a." in text.get_content()
    raw = smtp.envelopes[0].content
    assert isinstance(raw, bytes)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


def test_certificates_that_cannot_be_read_are_named(smtp: SmtpServer, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing here")
    for name in ("missing.pem", "empty.pem"):
        why = failure(settings(smtp, ca_file=tmp_path / name))
        assert why.retry == "when_fixed"
        assert f"{name}: no certificates can be read from it" in why.reason


def test_a_password_beyond_ascii_is_said_to_be_one(tmp_path: Path) -> None:
    with SmtpServer(tmp_path, "starttls", auth=True) as server:
        why = failure(settings(server, tls="starttls", username=USER, password="pässword"))
    assert why.retry == "when_fixed"
    assert "beyond ASCII" in why.reason
