"""One POST, within a deadline, with a bounded answer.

No redirects: what we send goes where the settings say (a redirect would carry an alert, and a token, elsewhere). The
proxy is taken from $HTTPS_PROXY, $HTTP_PROXY and $NO_PROXY. No error here names the URL: for some channels it is the
secret.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from log_sentinel.delivery.undeliverable import Undeliverable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

ANSWER_BYTES = 64 * 1024
# ValueError, AttributeError: what http.client makes of a socket that the deadline has closed under it
FAULTS = (OSError, http.client.HTTPException, ValueError, AttributeError)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said. `headers` have lower-case names; `body` is cut to ANSWER_BYTES."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, seconds: float, context: ssl.SSLContext | None = None
) -> Answer:
    """Sends `body` to `url` and gives the answer, whatever its status; all of it within `seconds`.

    Raises Undeliverable("later") when there is no answer, with `unclear` set if the request may have been taken all the
    same; Undeliverable("when_fixed") when the URL or the other side's certificate is not right.
    """
    with _talking_to(url, seconds, context) as talk:
        talk.connection.connect()
        try:
            talk.connection.request("POST", talk.path, body, {"User-Agent": "log-sentinel", **headers})
            response = talk.connection.getresponse()
            answer = Answer(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                response.read(ANSWER_BYTES),
            )
        except FAULTS as why:
            raise Undeliverable("later", talk.in_words(why), unclear=True) from None
        # a line that was cut looks to http.client like the end of the headers
        if talk.cut:
            raise Undeliverable("later", talk.in_words(TimeoutError()), unclear=True)
        return answer


def reach(url: str, *, seconds: float, context: ssl.SSLContext | None = None) -> None:
    """Whether somebody listens at `url` (TLS included), without a request. Raises Undeliverable as `post` does."""
    with _talking_to(url, seconds, context) as talk:
        talk.connection.connect()


@dataclass(slots=True)
class _Talk:
    """A connection, not yet open, and the path to ask it for; `cut` once its time is up."""

    host: str
    connection: http.client.HTTPConnection
    path: str
    seconds: float
    cut: bool = False

    def hang_up(self) -> None:
        self.cut = True
        with suppress(OSError, AttributeError):
            self.connection.sock.shutdown(socket.SHUT_RDWR)

    def in_words(self, why: Exception) -> str:
        return f"{self.host}: {_in_words(TimeoutError() if self.cut else why, self.seconds)}"


@contextmanager
def _talking_to(url: str, seconds: float, context: ssl.SSLContext | None) -> Iterator[_Talk]:
    target = urlsplit(url)
    if target.scheme not in ("http", "https") or not target.hostname:
        raise Undeliverable(
            "when_fixed", "the URL is not right; it begins with https:// and a host. Check the settings."
        )
    talk = _Talk(target.hostname, *_connection(target, seconds, context), seconds)
    # the socket's timeout is for one read; an answer that drips needs an end of its own
    deadline = threading.Timer(seconds, talk.hang_up)
    deadline.daemon = True
    deadline.start()
    try:
        yield talk
    except ssl.SSLCertVerificationError as why:
        raise Undeliverable(
            "when_fixed",
            f"{talk.host}: its certificate is not trusted ({why.verify_message}). "
            "Mend the certificate, or the host in the settings.",
        ) from None
    except FAULTS as why:
        raise Undeliverable("later", talk.in_words(why)) from None
    finally:
        deadline.cancel()
        talk.connection.close()


def _connection(
    target: SplitResult, seconds: float, context: ssl.SSLContext | None
) -> tuple[http.client.HTTPConnection, str]:
    host = target.hostname or ""
    path = f"{target.path or '/'}?{target.query}" if target.query else target.path or "/"
    proxy_url = None if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(target.scheme)
    if target.scheme == "http" and proxy_url is None:
        return http.client.HTTPConnection(host, target.port or 80, timeout=seconds), path
    trust = context or ssl.create_default_context()
    if proxy_url is None:
        return http.client.HTTPSConnection(host, target.port or 443, timeout=seconds, context=trust), path
    proxy = urlsplit(proxy_url if "//" in proxy_url else f"//{proxy_url}")
    credentials = {}
    if proxy.username is not None:
        pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
        credentials["Proxy-Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    if target.scheme == "http":
        return http.client.HTTPConnection(proxy.hostname or "", proxy.port or 80, timeout=seconds), target.geturl()
    through = http.client.HTTPSConnection(proxy.hostname or "", proxy.port or 80, timeout=seconds, context=trust)
    through.set_tunnel(host, target.port or 443, credentials)
    return through, path


def _in_words(why: Exception, seconds: float) -> str:
    if isinstance(why, TimeoutError):
        return f"no answer within {seconds:.0f} s"
    if isinstance(why, socket.gaierror):
        return "the name is not known to DNS. Check the host in the settings, and the network"
    if isinstance(why, ConnectionRefusedError):
        return "connection refused: nothing listens there"
    if isinstance(why, ssl.SSLError):
        return f"TLS failed ({why.reason or 'no reason given'})"
    if isinstance(why, OSError) and why.strerror:
        return why.strerror.lower()
    return "the connection broke before an answer came"


def asked_to_wait(answer: Answer, now: datetime) -> float | None:
    """The seconds a Retry-After header asks for (RFC 9110 10.2.3: seconds or a date), None without a sensible one."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        return max(0.0, (parsedate_to_datetime(said) - now).total_seconds()) if said else None
    except (ValueError, TypeError):
        return None
