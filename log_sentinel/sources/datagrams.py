"""What the kernel dropped of the datagrams for a socket because its buffer was full, where Linux tells.

/proc/net/udp and udp6 have a line for each socket, with its inode and, last, its drops: proc(5).
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

TABLES = {socket.AF_INET: Path("/proc/net/udp"), socket.AF_INET6: Path("/proc/net/udp6")}
INODE, DROPS = 9, 12


def dropped(bound: socket.socket) -> int | None:
    """How many since the socket was made; None where nobody counts them."""
    try:
        inode = str(os.fstat(bound.fileno()).st_ino)
        lines = TABLES[bound.family].read_text(encoding="ascii").splitlines()[1:]
    except (OSError, KeyError):
        return None
    for fields in map(str.split, lines):
        if len(fields) > DROPS and fields[INODE] == inode:
            return int(fields[DROPS])
    return None
