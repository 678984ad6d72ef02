"""A syslog source on real sockets."""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from log_sentinel.sources import feed
from log_sentinel.sources.listening import CannotListen
from log_sentinel.sources.settings import SyslogSource
from log_sentinel.sources.syslog import Syslog
from tests.sources.watching import CHUNK, MemoryCheckpoints, cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_sentinel.model.lines import Lines

WITHIN_SECONDS = 20


class Heard:
    """A source that listens, and what it has given out."""

    def __init__(self, **settings: object) -> None:
        self.woken = threading.Event()
        self.store = MemoryCheckpoints()
        source = SyslogSource.model_validate({"type": "syslog", "listen": "127.0.0.1:0", **settings})
        self.syslog = Syslog("edge", source, self.store, self.woken.set)
        self.steps: list[Lines] = []

    @property
    def lines(self) -> list[bytes]:
        return [line for step in self.steps for line in cut(step) if step.data]

    def until(self, count: int) -> list[bytes]:
        """The lines, once there are so many, skipped ones counted."""
        while sum(len(step.skipped) for step in self.steps) + len(self.lines) < count:
            assert self.woken.wait(WITHIN_SECONDS), f"only {self.lines} came"
            self.woken.clear()
            while (step := self.syslog.read(CHUNK)) is not None:
                self.store.commit(step)
                self.syslog.committed()
                self.steps.append(step)
        return self.lines

    def send(self, *messages: bytes, host: str = "127.0.0.1") -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for message in messages:
                sender.sendto(message, (host, self.syslog.port))

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.syslog.port), timeout=WITHIN_SECONDS) as connection:
            yield connection


@contextmanager
def listening(**settings: object) -> Iterator[Heard]:
    heard = Heard(**settings)
    heard.syslog.start()
    try:
        yield heard
    finally:
        heard.syslog.close()


def test_datagrams_and_both_framings_of_tcp_give_their_lines() -> None:
    with listening() as heard:
        heard.send(b"<190>Nov 24 03:33:33 web nginx: by udp")
        heard.until(1)
        with heard.connected() as connection:
            connection.sendall(b"<13>a line\n25 <13>1 - - - - - - coun")
            heard.until(2)
            connection.sendall(b"ted<13>another\n11 <13>in\nside<13>last")
        assert {b"by udp", b"a line", b"counted", b"another", b"in side", b"last"} == set(heard.until(6))


def test_a_line_in_pieces_is_one_and_two_senders_do_not_mix() -> None:
    with listening() as heard, heard.connected() as one, heard.connected() as other:
        one.sendall(b"<13>on")
        other.sendall(b"<13>other\n")
        assert [b"other"] == heard.until(1)
        one.sendall(b"e\n")
        assert [b"other", b"one"] == heard.until(2)


def test_messages_too_long_are_counted_and_what_follows_is_read() -> None:
    with listening(max_line_bytes=1024) as heard, heard.connected() as connection:
        connection.sendall(b"9000 <13>" + b"x" * 8996 + b"<13>next\n" + b"<13>" + b"y" * 5000 + b"\n<13>last\n")
        heard.send(b"<13>" + b"z" * 2000)
        assert {b"next", b"last"} == set(heard.until(5))
        skipped = [one for step in heard.steps for one in step.skipped]
        assert {"line longer than 1024 bytes, or cut off"} == {reason for _, reason, _ in skipped}
        assert [b"x", b"y", b"z"] == sorted(sample[:1] for _, _, sample in skipped)


def test_a_sender_that_lies_about_a_length_hurts_nobody_else() -> None:
    with listening() as heard, heard.connected() as liar, heard.connected() as other:
        liar.sendall(b"999999999 <13>x")
        other.sendall(b"<13>fine\n")
        assert [b"fine"] == heard.until(2)


def test_while_there_is_no_room_tcp_senders_wait_and_nothing_of_theirs_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_HELD", 10_000)
    sent = [b"<13>line %06d " % number + b"x" * 1000 for number in range(5000)]
    with listening() as heard, heard.connected() as connection:
        sender = threading.Thread(target=lambda: connection.sendall(b"".join(line + b"\n" for line in sent)))
        sender.start()
        assert heard.woken.wait(WITHIN_SECONDS)
        # one turn of the socket may go past the bound
        assert heard.syslog.behind() < 10_000 + (1 << 19)
        assert [line[4:] for line in sent] == heard.until(5000)
        sender.join()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts them")
def test_datagrams_that_the_kernel_drops_are_counted_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_HELD", 0)
    with listening() as heard:
        assert (0, ()) == (heard.syslog.dropped, heard.syslog.problems())
        count = 0
        while not heard.syslog.dropped:
            heard.send(*[b"<13>" + b"x" * 8000] * 500)
            count += 500
            assert count < 100_000, "no datagram was dropped"
        (problem,) = heard.syslog.problems()
        assert f"the kernel dropped {heard.syslog.dropped} datagrams" in problem.found


def test_who_may_not_send_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(listen="0.0.0.0:0", senders=["192.0.2.0/24"]) as heard:
        may = heard.syslog._listening
        assert may is not None
        hosts = ("127.0.0.1", "192.0.2.7", "::ffff:192.0.2.7", "198.51.100.1", "2001:db8::1", "::1")
        assert [True, True, True, False, False, True] == [may._may_send(host) for host in hosts]
        monkeypatch.setattr(may, "_may_send", lambda _: False)
        heard.send(b"<13>forged")
        with heard.connected() as refused:
            assert b"" == refused.recv(1)
        monkeypatch.setattr(may, "_may_send", lambda _: True)
        heard.send(b"<13>fine")
        assert [b"fine"] == heard.until(1)
        assert 2 == heard.syslog.refused


def test_a_port_that_is_taken_is_told_with_what_to_do() -> None:
    with listening(protocols=["tcp"]) as heard:
        taken = SyslogSource(type="syslog", listen=f"127.0.0.1:{heard.syslog.port}", protocols=("tcp",))
        with pytest.raises(CannotListen, match=r"sources.other.listen: .* is in use by another process"):
            Syslog("other", taken, MemoryCheckpoints()).start()
