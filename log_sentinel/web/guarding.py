"""Who may ask, and what a browser may do with the answer: every request and response passes here.

The Host header must be an address, localhost or a name from the settings: a page of somebody else's whose name was
pointed at our address (DNS rebinding) sends its own name and gets nothing. With a token set, everything but the bare
state needs it. Responses carry no script and may not be framed, cached or sniffed.

A source that is posted to and has a token of its own is left to that: gateways call us by whatever name their settings
have, and a page that was led here does not know the token.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

from log_sentinel.web.settings import WebSettings, is_address

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# For probes that cannot send a header; /healthz and /readyz leave the parts out for them.
OPEN = frozenset({"/livez", "/readyz", "/healthz"})

# https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """ASGI middleware; leaves in scope["trusted"] whether the token was right or none is set.

    Paths in `elsewhere` ask for a token of their own.
    """

    def __init__(self, app: ASGIApp, settings: WebSettings, elsewhere: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._elsewhere = elsewhere
        self._names = {"localhost", *(name.lower() for name in settings.hosts)}
        self._token = settings.token.get_secret_value().encode() if settings.token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        if scope["path"] in self._elsewhere:
            await self._app(scope, receive, send_with_headers)
            return
        headers = Headers(scope=scope)
        if not self._is_ours(headers.get("host")):
            refusal = PlainTextResponse("This name is not ours. Add it to hosts in [web] if it should be.\n", 421)
            await refusal(scope, receive, send_with_headers)
            return
        scope["trusted"] = self._token is None or hmac.compare_digest(given(headers), self._token)
        if not scope["trusted"] and scope["path"] not in OPEN:
            challenge = {"WWW-Authenticate": 'Basic realm="log-sentinel"'}
            await PlainTextResponse("The token of [web] is needed.\n", 401, challenge)(
                scope, receive, send_with_headers
            )
            return
        await self._app(scope, receive, send_with_headers)

    def _is_ours(self, host: str | None) -> bool:
        if host is None:
            return True  # HTTP/1.0, as simple probes speak it; a browser always says whom it asks
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        name = name.strip("[]").lower().rstrip(".")
        return name in self._names or is_address(name)


def given(headers: Headers) -> bytes:
    """The token a request came with: a bearer token, or the password of whatever user."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode("latin-1")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    return b""
