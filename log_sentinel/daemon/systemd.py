"""Tells systemd how the daemon is, by datagrams to the socket that $NOTIFY_SOCKET names (man 3 sd_notify).

Does nothing where systemd did not start us.
"""

import os
import socket


def notify(*states: str) -> None:
    """Sends `states`, as in `READY=1` or `STATUS=...`. A socket that is gone is no reason to stop."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    # a leading @ stands for the NUL of an abstract socket
    target = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagram:
            datagram.sendto("\n".join(states).encode(), target)
    except OSError:
        return


def watchdog_seconds() -> float | None:
    """Half of the time within which systemd wants to hear from us, or None when it does not watch."""
    asked = os.environ.get("WATCHDOG_USEC", "")
    mine = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(asked) / 2_000_000 if asked.isascii() and asked.isdigit() and mine else None
