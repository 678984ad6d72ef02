"""Ends a Postgres conversation from our side when the other side has gone silent.

A statement_timeout is the server's, TCP's own timeouts are the kernel's; a proxy or a firewall that takes our bytes and
answers nothing defeats both, and a thread would wait for ever. Shutting our end of the socket wakes it with an error.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class WentSilent(Exception):
    """The other side did not answer in time; the connection is of no use any more."""


@contextlib.contextmanager
def deadline(driver: Any, seconds: float) -> Iterator[None]:
    """Shuts the socket of the psycopg connection `driver` when the body takes longer than `seconds`.

    The body then fails with whatever the driver makes of it, which becomes WentSilent.
    """
    number = os.dup(driver.pgconn.socket)
    over = threading.Event()
    timer = threading.Timer(seconds, _shut, [number, over])
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if over.is_set():
            raise WentSilent from error
        raise
    finally:
        timer.cancel()
        # a timer that has begun to fire must be done with the number before it can name another file
        timer.join()
        os.close(number)


def _shut(number: int, over: threading.Event) -> None:
    over.set()
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as end:
        end.shutdown(socket.SHUT_RDWR)
