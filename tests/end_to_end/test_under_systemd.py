"""What systemd hears of the daemon: it is ready, it lives, it stops."""

from __future__ import annotations

import signal
import socket
from contextlib import closing
from typing import TYPE_CHECKING

from tests.end_to_end.numbered_log import NumberedLog
from tests.end_to_end.running import BEGAN, Daemon, settings_file

if TYPE_CHECKING:
    from pathlib import Path


def test_systemd_hears_ready_then_signs_of_life_then_stopping(tmp_path: Path) -> None:
    log = NumberedLog(tmp_path / "access.log", seed=6, began=BEGAN)
    log.write(10)
    settings = settings_file(
        tmp_path / "etc",
        f'[sources.edge]\npath = "{log.path}"\n[channels.here]\ntype = "console"\n',
        url=f"sqlite:///{tmp_path}/sentinel.db",
    )
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        daemon = Daemon(settings, {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "500000"})
        try:
            heard: list[str] = []
            while "WATCHDOG=1" not in heard or "READY=1" not in heard:
                heard += systemd.recv(4096).decode().splitlines()
            daemon.process.send_signal(signal.SIGTERM)
            while "STOPPING=1" not in heard:
                heard += systemd.recv(4096).decode().splitlines()
            assert daemon.process.wait(15) == 0
        finally:
            daemon.kill()
    assert heard.index("READY=1") < heard.index("STOPPING=1")
