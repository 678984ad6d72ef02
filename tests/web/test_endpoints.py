import base64
import socket

import pytest

from log_sentinel.web.health import Health, Part, State
from tests.web.asking import WELL, ask, served

BROKEN = Health(
    (
        Part("source edge", State.OK),
        Part("channel ops", State.FAILING, "Slack refused the token (invalid_auth)", "Set channels.ops.token anew."),
    )
)
TOKEN = "a-token-of-more-than-16"


def test_a_well_daemon_answers_200_with_the_state_of_each_part() -> None:
    with served() as serving:
        answer = ask(serving, "/healthz")

    assert answer.status == 200
    assert answer.json == {
        "state": "ok",
        "ready": True,
        "parts": [{"name": "database", "state": "ok", "says": "", "todo": ""}],
    }


def test_a_failing_part_makes_it_503_and_says_what_to_do() -> None:
    with served(BROKEN) as serving:
        answer = ask(serving, "/healthz")

    assert answer.status == 503
    assert "Set channels.ops.token anew." in answer.body


def test_a_troubled_part_is_told_without_failing_the_process() -> None:
    with served(Health((Part("source edge", State.TROUBLED, "the file is missing"),))) as serving:
        assert ask(serving, "/healthz").status == 200


def test_readiness_is_its_own_question() -> None:
    with served(Health((), ready=False)) as serving:
        assert [ask(serving, path).status for path in ("/readyz", "/healthz", "/livez")] == [503, 200, 200]


def test_metrics_are_those_of_the_registry_alone() -> None:
    with served() as serving:
        answer = ask(serving, "/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    assert 'log_sentinel_lines_total{source="edge"} 3.0' in answer.body
    assert "python_info" not in answer.body


def test_the_page_shows_parts_as_text_whatever_they_say() -> None:
    with served(Health((Part("source edge", State.TROUBLED, "<script>alert(1)</script>"),))) as serving:
        answer = ask(serving, "/")

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.body
    assert "<script" not in answer.body


def test_the_page_lists_what_there_is_and_finds_its_style() -> None:
    with served() as serving:
        page, style = ask(serving, "/"), ask(serving, "/pages/index.css")

    assert all(f'href="{path}"' in page.body for path in ("/metrics", "/healthz", "/readyz", "/pages/index.css"))
    assert (style.status, style.headers["content-type"]) == (200, "text/css; charset=utf-8")


@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics", "/nothing"])
def test_every_answer_forbids_scripts_of_others_frames_and_caching(path: str) -> None:
    with served() as serving:
        headers = ask(serving, path).headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9877", "localhost.evil.example", "", "127.0.0.1.evil.example"]
)
def test_a_name_that_is_not_ours_gets_nothing(host: str) -> None:
    with served() as serving:
        answer = ask(serving, "/healthz", Host=host)

    assert answer.status == 421
    assert "parts" not in answer.body


@pytest.mark.parametrize(
    "host", ["127.0.0.1:9877", "localhost", "LOCALHOST:1", "[::1]:9877", "10.1.2.3:9877", "gate.example"]
)
def test_addresses_localhost_and_the_names_of_the_settings_are_ours(host: str) -> None:
    with served(hosts=["gate.example"]) as serving:
        assert ask(serving, "/healthz", Host=host).status == 200


def test_a_probe_that_speaks_http_1_0_names_nobody_and_is_answered() -> None:
    with served() as serving, socket.create_connection(("127.0.0.1", serving.port), timeout=10) as probe:
        probe.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        answer = probe.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 200 ")


def test_nothing_changes_by_asking_so_nothing_but_asking_is_possible() -> None:
    with served() as serving:
        assert [ask(serving, "/healthz", method).status for method in ("POST", "PUT", "DELETE")] == [405] * 3


@pytest.mark.parametrize("path", ["/", "/metrics", "/pages/index.css", "/nothing"])
def test_with_a_token_set_pages_and_figures_need_it(path: str) -> None:
    with served(token=TOKEN) as serving:
        assert ask(serving, path).status == 401
        assert ask(serving, path, Authorization="Bearer not-the-token-at-all").status == 401
        assert ask(serving, path, Authorization=f"Bearer {TOKEN}").status != 401


def test_a_browser_gives_the_token_as_its_password() -> None:
    password = base64.b64encode(f"anybody:{TOKEN}".encode()).decode()
    with served(token=TOKEN) as serving:
        assert ask(serving, "/", Authorization=f"Basic {password}").status == 200
        assert ask(serving, "/", Authorization="Basic %%%").status == 401


def test_a_probe_without_the_token_learns_the_state_and_no_more() -> None:
    with served(BROKEN, token=TOKEN) as serving:
        answer = ask(serving, "/healthz")
        assert (answer.status, answer.json) == (503, {"state": "failing", "ready": True})
        assert "channel ops" in ask(serving, "/healthz", Authorization=f"Bearer {TOKEN}").body


def test_a_health_that_cannot_be_told_is_a_500_and_the_server_goes_on() -> None:
    class Moody:
        parts = WELL.parts
        ready = True

        @property
        def state(self) -> State:
            raise RuntimeError("no")

    with served(Moody()) as serving:  # type: ignore[arg-type]
        assert ask(serving, "/healthz").status == 500
        assert ask(serving, "/livez").status == 200
