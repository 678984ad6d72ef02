"""What people set about mail."""

from __future__ import annotations

from datetime import timedelta
from email.headerregistry import Address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from log_sentinel.config.durations import Duration
from log_sentinel.delivery.terms import ChannelTerms

PORTS = {"starttls": 587, "implicit": 465, "none": 25}


def _address(text: str) -> str:
    try:
        # RFC 5321 4.5.3.1.3 allows a path of 256 octets; line ends would make a header of their own
        Address(addr_spec=text)
        text.encode("ascii")
    except (ValueError, IndexError):
        raise ValueError("not a mail address; write it as in oncall@example.com") from None
    if "@" not in text or len(text) > 254 or not text.isprintable():
        raise ValueError("not a mail address; write it as in oncall@example.com")
    return text


MailAddress = Annotated[str, AfterValidator(_address)]


class EmailSettings(ChannelTerms):
    """`[channels.NAME]` with `type = "email"`.

    `tls`: "starttls" (the connection is encrypted or nothing is sent), "implicit" (TLS from the first byte) or "none".
    The port follows from it unless it is set.
    """

    type: Literal["email"] = "email"
    host: str = Field(min_length=1)
    port: int | None = Field(default=None, ge=1, le=65535)
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    ca_file: Path | None = Field(default=None, description="certificates to trust instead of the system's")
    username: str | None = None
    password: SecretStr | None = None
    sender: MailAddress
    to: Annotated[tuple[MailAddress, ...], Field(min_length=1)]
    timeout: Duration = Field(
        default=timedelta(seconds=30), description="for one mail, from connecting to the last answer"
    )
    templates: Path | None = Field(default=None, description="folder with templates of your own")

    @model_validator(mode="after")
    def _password_is_safe(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together. Set both, or neither.")
        if self.password is not None and self.tls == "none" and self.host not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError('a password would cross the network in clear; use tls = "starttls" or "implicit"')
        return self

    @property
    def port_used(self) -> int:
        return self.port or PORTS[self.tls]

    def recipients(self) -> tuple[str, ...]:
        """Each address: one that is refused does not keep the others from being told."""
        return tuple(dict.fromkeys(self.to))
