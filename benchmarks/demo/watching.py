"""The daemon beside the made-up gateways: its settings and its process. Nothing in it knows that this is a demo."""

import socket
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from benchmarks.demo.world import Gateway

USUAL_PORT = 9877
# longer than the daemon's own deadline for its last commit and messages
PATIENCE = 30

SETTINGS = """\
instance = "demo"

[database]
url = "{database}"

[sources.edge]
type = "file"
path = "{edge}"
format = "nginx-combined"
start = "beginning"

[sources.kong]
type = "file"
path = "{kong}"
format = "kong-file-log"
start = "beginning"

[channels.console]
type = "console"

[[routing]]
to = ["console"]

[web]
listen = "127.0.0.1:{port}"
"""


def database_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'sentinel.db'}"


def write_settings(folder: Path, logs: Mapping[Gateway, Path], port: int) -> Path:
    path = folder / "log-sentinel.toml"
    path.write_text(SETTINGS.format(database=database_url(folder), port=port, edge=logs["edge"], kong=logs["kong"]))
    return path


def free_port() -> int:
    """The daemon's usual port, or any free one where that is taken."""
    for port in (USUAL_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("127.0.0.1: no free port to listen on.")


def program() -> Path:
    """The installed `log-sentinel` of this environment."""
    return Path(sysconfig.get_path("scripts")) / "log-sentinel"


def start(settings: Path) -> subprocess.Popen[bytes]:
    """`log-sentinel run`, in a session of its own: Ctrl-C reaches the demo alone, which then stops the daemon once."""
    return subprocess.Popen([program(), "run", "--config", settings], start_new_session=True)


def stop(daemon: subprocess.Popen[bytes]) -> int:
    """Asks the daemon to end and waits; its exit code."""
    daemon.terminate()
    try:
        return daemon.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        daemon.kill()
        return daemon.wait()
