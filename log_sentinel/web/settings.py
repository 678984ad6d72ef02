"""Settings of the web endpoints."""

from __future__ import annotations

import ipaddress
import re
from typing import Self

from pydantic import field_validator, model_validator

from log_sentinel.config.listening import Token, host_of, port_of
from log_sentinel.config.section import Section

ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:\s]+):(\d{1,5})", re.ASCII)
LINKED = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&+,;=%-]{1,200}", re.ASCII)


class WebSettings(Section):
    """`listen` is HOST:PORT, port 0 for any free one. `token` is asked for as a bearer token or a password.

    `hosts` are further names under which browsers and probes may reach us; addresses and localhost always may.
    `external_url` is where people reach us, for the links in alerts.
    """

    listen: str = "127.0.0.1:9877"
    token: Token | None = None
    hosts: tuple[str, ...] = ()
    external_url: str | None = None

    @field_validator("listen")
    @classmethod
    def an_address(cls, listen: str) -> str:
        found = ADDRESS.fullmatch(listen)
        if found is None or int(found[2]) > 65535:
            raise ValueError('an address and a port up to 65535, as in "127.0.0.1:9877" or "[::1]:9877"')
        return listen

    @field_validator("external_url")
    @classmethod
    def an_address_to_link_to(cls, external_url: str | None) -> str | None:
        if external_url is not None and not LINKED.fullmatch(external_url):
            raise ValueError('an address for a browser, as in "https://sentinel.example.com"')
        return external_url

    @model_validator(mode="after")
    def not_open_to_everybody(self) -> Self:
        if self.token is None and not is_loopback(self.host):
            raise ValueError(
                f'listen "{self.listen}" can be reached from other machines and there is no token; '
                "set token (or token_file), or listen on 127.0.0.1"
            )
        return self

    @property
    def host(self) -> str:
        return host_of(self.listen)

    @property
    def port(self) -> int:
        return port_of(self.listen)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`: an address of the loopback, or localhost."""
    return host.lower() == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
