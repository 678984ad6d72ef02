"""Files that are mounts themselves, as `docker run -v /var/log/nginx/access.log:/access.log` makes them.

Inside, such a file stays the one it was: after a rotation outside, the mount goes on showing the old file.
"""

from __future__ import annotations

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
ESCAPED = re.compile(r"\\([0-7]{3})")


def mounted() -> frozenset[str]:
    """Every mount point of this process (proc_pid_mountinfo(5), field 5); none where the system does not say."""
    try:
        listed = MOUNTS.read_text(errors="surrogateescape")
    except OSError:
        return frozenset()
    fields = (line.split() for line in listed.splitlines())
    return frozenset(ESCAPED.sub(lambda code: chr(int(code[1], 8)), field[4]) for field in fields if len(field) > 4)
