"""The daemon beside the made-up gateways: its settings and its process. Nothing in it knows that this is a demo."""

import socket
import subprocess
import sysconfig
from pathlib import Path
from typing import IO

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

[log]
status_every = "10s"
"""


def database_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'sentinel.db'}"


def write_settings(folder: Path, edge: Path, kong: Path, port: int) -> Path:
    path = folder / "log-sentinel.toml"
    path.write_text(SETTINGS.format(database=database_url(folder), port=port, edge=edge, kong=kong))
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


def start(settings: Path, output: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    """`log-sentinel run`; what it prints goes to `output`, or to the terminal.

    In a session of its own: Ctrl-C reaches the demo alone, which then stops the daemon once.
    """
    command = [str(program()), "run", "--config", str(settings)]
    return subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)


def stop(daemon: subprocess.Popen[bytes]) -> int:
    """Asks the daemon to end and waits; its exit code."""
    daemon.terminate()
    try:
        return daemon.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        daemon.kill()
        return daemon.wait()
