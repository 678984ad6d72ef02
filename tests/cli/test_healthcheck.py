import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from log_sentinel.web.health import Health, Part, State
from tests.cli.running import Ran, log_sentinel
from tests.web.asking import served

TOKEN = "canary-token-0123456789"


def healthcheck(folder: Path, port: int, **web: str) -> Ran:
    environ = {f"LOG_SENTINEL__WEB__{key.upper()}": value for key, value in web.items()}
    return log_sentinel("healthcheck", folder=folder, LOG_SENTINEL__WEB__LISTEN=f"127.0.0.1:{port}", **environ)


def test_a_well_daemon_is_ok(tmp_path: Path) -> None:
    with served() as serving:
        ran = healthcheck(tmp_path, serving.port)

    assert (ran.code, ran.out, ran.err) == (0, "ok\n", "")


def test_each_part_that_is_not_well_is_a_sentence(tmp_path: Path) -> None:
    health = Health(
        (
            Part("database", State.OK),
            Part("source edge", State.TROUBLED, "/var/log/x: missing", "It is read when it appears."),
            Part(
                "channel ops", State.FAILING, "Slack refused the token (invalid_auth)", "Set channels.ops.token anew."
            ),
        )
    )
    with served(health) as serving:
        port = serving.port
        ran = healthcheck(tmp_path, port)

    assert ran.code == 1
    assert ran.out.splitlines() == [
        "source edge is troubled: /var/log/x: missing. It is read when it appears.",
        "channel ops is failing: Slack refused the token (invalid_auth). Set channels.ops.token anew.",
    ]
    assert ran.err == f"The daemon at 127.0.0.1:{port} is failing.\n"


def test_a_part_in_trouble_alone_does_not_fail_the_check(tmp_path: Path) -> None:
    with served(Health((Part("source edge", State.TROUBLED, "\x1b[2Jmissing"),))) as serving:
        ran = healthcheck(tmp_path, serving.port)

    assert (ran.code, ran.out) == (0, "source edge is troubled: \\x1b[2Jmissing.\ntroubled, but working\n")


def test_the_token_of_the_settings_is_given(tmp_path: Path) -> None:
    with served(Health((Part("source edge", State.TROUBLED, "missing"),)), token=TOKEN) as serving:
        ran = healthcheck(tmp_path, serving.port, token=TOKEN)

    assert "source edge is troubled" in ran.out
    assert TOKEN not in ran.out + ran.err


def test_no_proxy_is_asked_for_a_daemon_beside_us(tmp_path: Path) -> None:
    with served() as serving:
        ran = log_sentinel(
            "healthcheck",
            folder=tmp_path,
            LOG_SENTINEL__WEB__LISTEN=f"127.0.0.1:{serving.port}",
            http_proxy="http://127.0.0.1:1",
        )

    assert ran.code == 0


def test_a_daemon_that_is_not_there_is_said_plainly(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ran = healthcheck(tmp_path, port)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        f"http://127.0.0.1:{port}/healthz: no answer (Connection refused). "
        "Is `log-sentinel run` running with these settings?\n"
    )


@contextmanager
def other_program(body: bytes) -> Iterator[int]:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("body", [json.dumps({"hello": "world"}).encode(), b"[]"])
def test_another_program_on_the_port_is_told_apart(body: bytes, tmp_path: Path) -> None:
    with other_program(body) as port:
        ran = healthcheck(tmp_path, port)

    assert ran.code == 1
    assert "another program answers" in ran.err


def test_what_is_no_json_is_no_answer(tmp_path: Path) -> None:
    with other_program(b"<html>") as port:
        ran = healthcheck(tmp_path, port)

    assert ran.code == 1
    assert "no answer" in ran.err


def test_a_port_that_changes_at_every_start_cannot_be_asked(tmp_path: Path) -> None:
    ran = healthcheck(tmp_path, 0)

    assert ran.code == 1
    assert ran.err == "web.listen: port 0 is another one at every start; set one, so that it can be asked.\n"
