"""A message as a mail: text and HTML, in one conversation per incident.

Headers are made by `EmailMessage`, which refuses line ends; addresses come from the settings alone. RFC 5322
(Message-ID, References), RFC 3834 (Auto-Submitted), RFC 2919 (List-Id).
"""

from __future__ import annotations

import html
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING

from log_sentinel.delivery.message.templates import Templates
from log_sentinel.delivery.message.text import Quoted, Url
from log_sentinel.model.incident import IncidentState
from log_sentinel.model.spike import Severity

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from log_sentinel.delivery.message.message import Message

# Without a limit of ours a mail client would cut or fold it anywhere; RFC 5322 2.1.1 has 998 for a whole line.
SUBJECT_CHARACTERS = 180
# Mail clients make links of these wherever they stand.
LINK = re.compile(r"(?i)(://|www\.|mailto:)")
PRIORITY = {Severity.CRITICAL: "1", Severity.WARNING: "3", Severity.INFO: "5", Severity.NOTICE: "5"}


def shown_in_text(text: str) -> str:
    """For the text part: nothing there is markup, but clients make links of what looks like one."""
    return text if isinstance(text, Url) else LINK.sub(lambda found: f"[{found[0]}]", text)


def shown_in_html(text: str) -> str:
    """For the HTML part: values from a log as code."""
    safe = html.escape(shown_in_text(text))
    return f"<code>{safe}</code>" if isinstance(text, Quoted) else safe


class Letters:
    """Makes the mails of messages. `own`: the user's templates."""

    def __init__(self, sender: str, own: Path | None = None) -> None:
        self._sender = Address(display_name="log-sentinel", addr_spec=sender)
        self._domain = sender.rpartition("@")[2]
        self._text = Templates("email", shown_in_text, own=own)
        self._html = Templates("email", shown_in_html, own=own)

    def letter(
        self, message: Message, to: str, opening: str | None, now: datetime, chart: bytes | None = None
    ) -> EmailMessage:
        """The mail for one recipient; `opening` is the Message-ID of the incident's first mail to them, `chart` the
        picture to be shown in it, a PNG.
        """
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._sender
        mail["To"] = Address(addr_spec=to)
        mail["Subject"] = self.subject(message)
        mail["Date"] = format_datetime(now)
        mail["Message-ID"] = self.message_id(message)
        if opening is not None:
            mail["In-Reply-To"] = opening
            mail["References"] = opening
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail["List-Id"] = f"log-sentinel alerts <alerts.log-sentinel.{self._domain}>"
        mail["X-Priority"] = PRIORITY[message.severity]
        if message.number is not None:
            mail["X-Log-Sentinel-Incident"] = str(message.number)
        mail["X-Log-Sentinel-Key"] = message.key
        mail.set_content(self._text.whole("incident.txt.j2", message), cte="quoted-printable")
        page = self._html.whole("incident.html.j2", message, picture=chart is not None)
        mail.add_alternative(page, subtype="html", cte="quoted-printable")
        if chart is not None:
            *_, html_part = mail.iter_parts()
            # RFC 2392: the page names it as cid:chart.KEY.log-sentinel
            cid = f"<chart.{message.key}.log-sentinel>"
            html_part.add_related(chart, "image", "png", cid=cid, disposition="inline", filename="chart.png")
        return mail

    def subject(self, message: Message) -> str:
        """The same over the incident's life but for its state, so that clients keep the conversation together."""
        firing = "NOTICE" if message.severity is Severity.NOTICE else "FIRING"
        state = "RESOLVED" if message.state is IncidentState.RESOLVED else firing
        number = "" if message.number is None else f"#{message.number} "
        text = f"[{state}] {number}{message.title} ({message.instance})"
        # an encoded word (RFC 2047) in the text would be decoded by Python's own header parser, line ends and all
        safe = text.replace("=?", "= ?")
        return safe if len(safe) <= SUBJECT_CHARACTERS else f"{safe[: SUBJECT_CHARACTERS - 1]}…"

    def message_id(self, message: Message) -> str:
        """The same for every attempt: a mail that comes twice is one for clients that look."""
        return f"<{message.key}.log-sentinel@{self._domain}>"
