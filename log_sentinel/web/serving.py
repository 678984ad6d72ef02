"""Serves the web endpoints from a thread of their own.

The socket is bound before the thread starts, so that an address that cannot be had is an exception where somebody can
act on it and not a log line; from then on requests wait in the backlog until the loop takes them.
"""

from __future__ import annotations

import errno
import socket
import threading
from typing import TYPE_CHECKING

import uvicorn

from log_sentinel.web.impatience import Impatient
from log_sentinel.web.settings import WebSettings

if TYPE_CHECKING:
    from starlette.applications import Starlette

# More requests than this at once are answered with 503; silent connections are fewer (impatience.MOST_CONNECTIONS).
CONCURRENT = 256
STOP_WITHIN_SECONDS = 3


class ListenError(Exception):
    """The address cannot be served; `listen` is what the settings have."""

    def __init__(self, listen: str, reason: str) -> None:
        super().__init__(f"web.listen: {reason}")
        self.listen = listen


class PortInUse(ListenError):  # the name is what happened, as with every exception here
    """Another process has the port."""


class Serving:
    """`app` on `listen` (HOST:PORT): `start()` returns once connections are accepted, `stop()` once they are not.

    Raises PortInUse, or ListenError where the address is not this machine's or not allowed to this user.
    """

    def __init__(self, listen: str, app: Starlette) -> None:
        # validation of the address alone: whether a token is needed was judged with the rest of the settings
        settings = WebSettings.model_construct(listen=listen)
        self._listen, self._host, self._port = listen, settings.host, settings.port
        self._app = app
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._socket = self._bound()
        self._port = self._socket.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            http=Impatient,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONCURRENT,
            timeout_graceful_shutdown=STOP_WITHIN_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="web", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(STOP_WITHIN_SECONDS + 2)
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @property
    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def port(self) -> int:
        """The port that is served: the one of the settings, or once started the one the system gave for 0."""
        return self._port

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the pages."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)  # noqa: S104  # told apart, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    def _bound(self) -> socket.socket:
        try:
            family, kind, _, _, address = socket.getaddrinfo(
                self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
        except socket.gaierror as error:
            raise ListenError(self._listen, f'"{self._host}" is no address of this machine. Use 127.0.0.1.') from error
        bound = socket.socket(family, kind)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(CONCURRENT)
        except OSError as error:
            bound.close()
            raise self._refused(error) from error
        return bound

    def _refused(self, error: OSError) -> ListenError:
        if error.errno == errno.EADDRINUSE:
            return PortInUse(
                self._listen,
                f"port {self._port} is in use by another process. Find it with `ss -ltnp 'sport = "
                f":{self._port}'`, or set another port (0 for any free one).",
            )
        if error.errno == errno.EACCES:
            return ListenError(self._listen, f"port {self._port} is not allowed to this user. Use one above 1023.")
        if error.errno == errno.EADDRNOTAVAIL:
            return ListenError(self._listen, f'"{self._host}" is no address of this machine. Use 127.0.0.1.')
        return ListenError(self._listen, f"{self._listen} cannot be served: {error.strerror}.")
