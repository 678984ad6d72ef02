"""The services behind the servers: they answer as their path says, with bodies of many lengths."""

from __future__ import annotations

import threading
import zlib
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from tests.parsing.real_servers import upstream

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

STATUS_OF = {"forbidden": 403, "many": 429, "unauthorized": 401, "busy": 503, "broken": 500}
SLOW = 0.25


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length:
            self.rfile.read(length)
        words = self.path.split("?")[0].split("/")
        if "slow" in words:
            # an answer that takes its time, not a wait for one
            threading.Event().wait(SLOW)
        status = next((code for word, code in STATUS_OF.items() if word in words), 200)
        # an API's error: one in ten tells a long story
        seed = zlib.crc32(self.path.encode())
        body = b'{"error":"' + b"x" * (seed % 100 if seed % 10 else seed % 1000) + b'"}\n'
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = do_OPTIONS = _answer  # noqa: N815

    def log_message(self, *words: object) -> None:
        """Nothing is logged: the gateway's log is what is looked at."""


def service() -> AbstractContextManager[int]:
    """A service's port."""
    return upstream(_Answers)
