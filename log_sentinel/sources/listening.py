"""The sockets of a syslog source: datagrams and connections, taken in by one thread.

While there is no room nothing is read: TCP senders wait then, and the kernel keeps datagrams as far as its buffer
goes, and counts those it drops. Who may not send is read and thrown away.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import selectors
import socket
import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from log_sentinel.sources.framing import Framing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from log_sentinel.sources.framing import Message
    from log_sentinel.sources.settings import SyslogSource

LARGEST_DATAGRAM = 65535
# Of one socket at a time, so that the others have their turn
DATAGRAMS_A_TURN, BYTES_A_TURN = 512, 1 << 18
MOST_CONNECTIONS = 256
# What we ask of the kernel for datagrams that wait; it gives as much as net.core.rmem_max
BUFFER_BYTES = 8 << 20
# How often it is looked whether there is room again
LOOK_SECONDS = 0.05
PRIVILEGED_PORTS = 1024


class CannotListen(Exception):
    """The address of a syslog source cannot be had."""


class Listening:
    """Hands what comes to `take`, while `has_room`. Raises CannotListen."""

    def __init__(
        self,
        name: str,
        settings: SyslogSource,
        take: Callable[[Iterable[Message]], None],
        has_room: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._take = take
        self._has_room = has_room
        self.refused = 0
        self._networks = [ipaddress.ip_network(sender) for sender in settings.senders]
        self._may_send = lru_cache(maxsize=4096)(self._allowed)
        self._connections: dict[socket.socket, Framing] = {}
        self._stop, self._stopped = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stopped, selectors.EVENT_READ)
        self.udp: socket.socket | None = None
        self._tcp: socket.socket | None = None
        try:
            self._bind(name)
        except BaseException:
            self._close()
            raise
        self._thread = threading.Thread(target=self._run, name=f"syslog {name}", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port of the settings, or the one that the system gave for 0."""
        bound = self.udp or self._tcp
        return self._settings.port if bound is None else int(bound.getsockname()[1])

    def close(self) -> None:
        self._stop.send(b"x")
        self._thread.join()
        self._close()

    # sockets

    def _bind(self, name: str) -> None:
        family = socket.AF_INET6 if ":" in self._settings.host else socket.AF_INET
        port = self._settings.port
        try:
            # first, so that a port which the system gives is one that no connection of this machine has
            if "tcp" in self._settings.protocols:
                self._tcp = socket.socket(family, socket.SOCK_STREAM)
                self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self._tcp.bind((self._settings.host, port))
                self._tcp.listen()
                port = self.port
                self._selector.register(self._tcp, selectors.EVENT_READ)
            if "udp" in self._settings.protocols:
                self.udp = socket.socket(family, socket.SOCK_DGRAM)
                self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
                self.udp.bind((self._settings.host, port))
                self._selector.register(self.udp, selectors.EVENT_READ)
        except OSError as why:
            raise CannotListen(f"sources.{name}.listen: {self._settings.listen} {_reason(why, port)}") from why
        for bound in (self.udp, self._tcp):
            if bound is not None:
                bound.setblocking(False)

    def _close(self) -> None:
        for one in (*self._connections, self.udp, self._tcp, self._stop, self._stopped):
            if one is not None:
                one.close()
        self._selector.close()

    def _allowed(self, host: str) -> bool:
        address = ipaddress.ip_address(host.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        address = mapped if mapped is not None else address
        return address.is_loopback or any(address in network for network in self._networks)

    # the thread

    def _run(self) -> None:
        while True:
            if not self._has_room():
                self._stopped.settimeout(LOOK_SECONDS)
                with contextlib.suppress(TimeoutError):
                    self._stopped.recv(1)
                    return
                continue
            for key, _ in self._selector.select():
                if key.fileobj is self._stopped:
                    return
                if key.fileobj is self.udp:
                    self._receive_datagrams(self.udp)
                elif key.fileobj is self._tcp:
                    self._accept(self._tcp)
                elif isinstance(key.fileobj, socket.socket):
                    self._receive(key.fileobj)

    def _receive_datagrams(self, udp: socket.socket) -> None:
        messages: list[Message] = []
        size = 0
        for _ in range(DATAGRAMS_A_TURN):
            try:
                data, sender = udp.recvfrom(LARGEST_DATAGRAM)
            except OSError:  # none is left
                break
            if not self._may_send(sender[0]):
                self.refused += 1
                continue
            messages.append((data, len(data) <= self._settings.max_line_bytes))
            size += len(data)
            if size >= BYTES_A_TURN:
                break
        self._take(messages)

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, sender = listener.accept()
        except OSError:  # it is gone already, or there is no descriptor left: it waits in the backlog
            return
        if not self._may_send(sender[0]) or len(self._connections) >= MOST_CONNECTIONS:
            self.refused += 1
            connection.close()
            return
        connection.setblocking(False)
        self._connections[connection] = Framing(self._settings.max_line_bytes, counts=True)
        self._selector.register(connection, selectors.EVENT_READ)

    def _receive(self, connection: socket.socket) -> None:
        framing = self._connections[connection]
        try:
            data = connection.recv(BYTES_A_TURN)
        except BlockingIOError:
            return
        except OSError:  # reset by its sender
            data = b""
        if data:
            self._take(framing.take(data))
            return
        self._selector.unregister(connection)
        del self._connections[connection]
        connection.close()
        self._take(framing.end())


def _reason(why: OSError, port: int) -> str:
    if why.errno == errno.EADDRINUSE:
        return f"is in use by another process. Find it with `ss -lunpt 'sport = :{port}'`, or set another port."
    if why.errno == errno.EACCES and port < PRIVILEGED_PORTS:
        return "is not allowed to this user. Use a port above 1023."
    if why.errno == errno.EADDRNOTAVAIL:
        return "is no address of this machine. Use 127.0.0.1, or 0.0.0.0 for all of its addresses."
    return f"cannot be listened on: {why.strerror}."
