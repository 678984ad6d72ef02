"""Bodies that senders post, received and unpacked piece by piece: no length they claim is believed.

What a gzip body unpacks to counts, as it unpacks: a bomb is refused when it passes the limit and not at its end.
"""

from __future__ import annotations

import asyncio
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from log_sentinel.sources.push import Behind, Closed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request

    from log_sentinel.sources.push import Push

# For the body of one request to arrive
RECEIVE_SECONDS = 30.0
GZIP_HEADER = 31  # zlib's wbits for it
STEP_BYTES = 1 << 20


class Refused(Exception):
    """The answer in place of 200."""

    def __init__(self, status: int, says: str) -> None:
        super().__init__(says)
        self.status = status


class Body:
    """The body of one request to `source`, which holds room for as much of it as has come."""

    def __init__(self, request: Request, source: Push) -> None:
        self._request = request
        self._source = source
        self._limit = source.settings.max_body_bytes
        self._received = 0
        self._is_whole = False
        self._data = bytearray()
        self.held = 0

    async def receive(self) -> bytes:
        """The whole body, unpacked. Raises Refused."""
        unpacked = self._unpacking()
        try:
            async with asyncio.timeout(RECEIVE_SECONDS):
                async for piece in self._pieces():
                    for part in unpacked(piece):
                        self._add(part)
        except TimeoutError:
            raise Refused(408, f"The body did not come within {RECEIVE_SECONDS:.0f} s.") from None
        except ClientDisconnect:
            raise Refused(400, "The body ended before its end.") from None
        if isinstance(unpacked, _Gzip) and not unpacked.is_whole:
            raise Refused(400, "The body is no whole gzip.")
        whole = bytes(self._data)
        self._data.clear()
        return whole

    def let_go(self) -> None:
        """Gives the room back."""
        self._source.let_go(self.held)
        self.held = 0
        self._data.clear()

    async def pass_over(self) -> None:
        """Reads what is left, up to the limit: many senders read no answer before they have sent everything."""
        with suppress(TimeoutError, ClientDisconnect):
            async with asyncio.timeout(RECEIVE_SECONDS):
                async for _ in self._pieces():
                    if self._received > self._limit:
                        return

    async def _pieces(self) -> AsyncIterator[bytes]:
        # not request.stream(): it does not go on where a refused piece was the last
        while not self._is_whole:
            message = await self._request.receive()
            self._is_whole = not message.get("more_body", False)
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            piece = message.get("body", b"")
            self._received += len(piece)
            yield piece

    def _unpacking(self) -> _Gzip | _Plain:
        encoding = self._request.headers.get("content-encoding", "identity").strip().lower()
        if encoding in ("gzip", "x-gzip"):
            return _Gzip()
        if encoding in ("identity", ""):
            return _Plain()
        raise Refused(415, f"Content-Encoding {encoding!r} is not known here; gzip or none is.")

    def _add(self, part: bytes) -> None:
        if len(self._data) + len(part) > self._limit:
            raise Refused(413, f"The body is larger than max_body_bytes, {self._limit}. Send fewer entries at once.")
        try:
            self._source.hold(len(part))
        except Behind:
            raise Refused(429, "As much as may waits for the database.") from None
        except Closed:
            raise Refused(503, "Stopping.") from None
        self.held += len(part)
        self._data += part


class _Plain:
    def __call__(self, piece: bytes) -> Iterator[bytes]:
        yield piece


class _Gzip:
    """Unpacks one member after another."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(GZIP_HEADER)
        self.is_whole = False

    def __call__(self, piece: bytes) -> Iterator[bytes]:
        more = bool(piece)
        while more:
            if self._member.eof:
                self._member = zlib.decompressobj(GZIP_HEADER)
            try:
                part = self._member.decompress(piece, STEP_BYTES)
            except zlib.error:
                raise Refused(400, "The body is no gzip.") from None
            yield part
            self.is_whole = self._member.eof
            piece = self._member.unused_data if self.is_whole else self._member.unconsumed_tail
            more = bool(piece) or len(part) == STEP_BYTES
