"""Connections that must say what they want: uvicorn waits for the head of a request for as long as somebody likes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

# For the head of a request to come, from the connection's or the request's first byte
HEAD_SECONDS = 10.0


class Impatient(H11Protocol):
    """HTTP/1.1 that closes a connection whose request's head is not there in time. Between requests it is uvicorn's
    keep-alive that ends."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """The clock runs while some of a head may be there and no request is answered."""
        if self.cycle is not None and (not self.cycle.response_complete or self.timeout_keep_alive_task is not None):
            self._unwatch()
        elif self._late is None:
            self._late = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _unwatch(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
