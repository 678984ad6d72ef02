"""What the daemon does not draw it does not load."""

import subprocess
import sys

import pytest

from log_sentinel.cli.hiding import hidden

NEVER_IMPORTED = "antigravity"
DAEMON = """
import sys
from log_sentinel.cli.hiding import hidden
with hidden("rich", "pygments"):
    import log_sentinel.cli.logs, log_sentinel.daemon.reload
print([name for name in ("rich.console", "pygments", "alembic") if name in sys.modules])
"""


def test_a_hidden_package_is_as_if_not_installed_and_is_there_again_afterwards() -> None:
    assert NEVER_IMPORTED not in sys.modules
    with hidden(NEVER_IMPORTED), pytest.raises(ImportError):
        __import__(NEVER_IMPORTED)

    assert NEVER_IMPORTED not in sys.modules


def test_what_was_imported_before_stays() -> None:
    with hidden("subprocess"):
        import subprocess as again

    assert again is subprocess


def test_the_daemon_loads_neither_what_draws_nor_what_migrates() -> None:
    ran = subprocess.run([sys.executable, "-c", DAEMON], capture_output=True, text=True, check=True)

    assert ran.stdout == "[]\n"
