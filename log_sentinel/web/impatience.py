"""Connections that must say what they want: uvicorn waits for the head of a request for as long as somebody likes.

A crowd that says nothing takes no more than MOST_CONNECTIONS descriptors, and keeps nobody out: whoever comes when all
are taken gets the place of the one whose time was nearest to its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

# For the head of a request to come, from the connection's or the request's first byte
HEAD_SECONDS = 10.0
# Each worker of a gateway that posts to us keeps one or two. Logs and database need descriptors too: many systems give
# a process 1,024.
MOST_CONNECTIONS = 200


class Impatient(H11Protocol):
    """HTTP/1.1 that closes a connection whose request's head is not there in time. Between requests it is uvicorn's
    keep-alive that ends."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            self._make_room()
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def ends_at(self) -> tuple[bool, float] | None:
        """What sorts those that nobody answers now, the first to close first; None while a request is answered."""
        if self._late is not None:
            return (False, self._late.when())
        if self.timeout_keep_alive_task is not None:
            return (True, self.timeout_keep_alive_task.when())
        return None

    def _make_room(self) -> None:
        silent = [(ends, one) for one in self.connections if isinstance(one, Impatient) and (ends := one.ends_at())]
        if silent:
            _, one = min(silent, key=lambda found: found[0])
            # at once: many may come before the loop tells us that it is gone
            self.connections.discard(one)
            one.transport.abort()

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
