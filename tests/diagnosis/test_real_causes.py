"""Real servers that deny in every way they can: how much of their logs is read, and how right the verdicts are.

The suite asks each situation a few times; `make causes` asks each of them 300 times and prints the table of
docs/formats.md.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from log_sentinel.content import shipped
from log_sentinel.parsing.compiling import ParseOptions, compiled
from log_sentinel.parsing.definitions import load_folders
from log_sentinel.parsing.directive import from_directive
from log_sentinel.parsing.error_logs import load
from log_sentinel.parsing.guessing import guess
from tests.diagnosis.causing import apache, caddy, envoy, haproxy, nginx, traefik
from tests.diagnosis.causing.measured import measured
from tests.lengths import times
from tests.parsing.builders import batch, definition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from log_sentinel.parsing.definitions import Definition
    from tests.diagnosis.causing.situations import Written

log = logging.getLogger(__name__)
FEW = 4
ROUNDS = int(os.environ.get("CAUSES_ROUNDS", times(FEW, 300)))
SERVERS = {"nginx": nginx, "haproxy": haproxy, "apache": apache, "caddy": caddy, "traefik": traefik, "envoy": envoy}
# these log in all of their formats at once
AT_ONCE = {"nginx", "apache", "envoy"}
# server, what it was told to write, the shipped format that reads it (none: the server's own directive), and whether it
# tells enough to know by whom in nearly all cases: nginx's $upstream_status and $auth_status, Apache's %R. Caddy's does
# not: what forward_auth's service answers looks like the upstream's.
CASES = [
    ("nginx", "rich", None, True),
    ("nginx", "ingress", None, False),
    ("nginx", "json", None, False),
    ("nginx", "plain", "nginx-combined", False),
    ("nginx", "main", "nginx-main", False),
    ("haproxy", "httplog", "haproxy-http", True),
    ("haproxy", "clf", "haproxy-http", True),
    ("haproxy", "own", None, True),
    ("apache", "handler", None, True),
    ("apache", "combined", "apache-combined", False),
    ("apache", "vhost", "apache-vhost-combined", False),
    ("caddy", "json", "caddy", False),
    ("traefik", "json", "traefik-json", True),
    ("envoy", "json", "envoy-json", True),
    ("envoy", "own", None, True),
    *([("caddy", "iso", "caddy", False), ("traefik", "common", "traefik-clf", True)] if ROUNDS > FEW else []),
]
BY_WHOM, BY_WHOM_POORLY, CAUSE = 0.97, 0.8, 0.85
# what all of nginx's formats tell
AGREED = ["status", "method", "path", "query", "route", "ip", "client", "user_agent", "referer", "response_bytes"]


@pytest.fixture(scope="module")
def asked() -> Iterator[Callable[[str, str], Written]]:
    """What became of a server that logs in a format: it is started and asked when that is first wanted.

    Not in pytest's folder: another pytest that starts takes that from everybody else, and some servers are nobody.
    """
    with TemporaryDirectory(prefix="causes-") as root:
        Path(root).chmod(0o755)

        def written(server: str, name: str) -> Written:
            folder = Path(root) / f"{server}-{name}"
            folder.mkdir()
            found: Written = SERVERS[server].written(folder, ROUNDS, name)
            return found

        once = cache(written)
        yield lambda server, name: once(server, "" if server in AT_ONCE else name)


def form_of(server: str, name: str, format_name: str | None) -> Definition:
    if format_name is not None:
        return definition(format_name)
    text = SERVERS[server].FORMATS[name]
    return from_directive(
        {"nginx": f"log_format {name} {text};", "apache": f'LogFormat "{text}" {name}'}.get(server, text)
    )


@pytest.mark.parametrize(("server", "name", "format_name", "tells_by_whom"), CASES)
def test_every_line_is_read_and_nearly_every_verdict_is_right(
    server: str, name: str, format_name: str | None, *, tells_by_whom: bool, asked: Callable[[str, str], Written]
) -> None:
    written = asked(server, name)
    error_log = getattr(SERVERS[server], "ERROR_LOG", None)
    at_hand = load(shipped("parsers") / "error-logs" / f"{error_log}.toml") if error_log else None
    entries = written.log("error") if error_log else b""

    found = measured(form_of(server, name, format_name), written.log(name), written.journal, at_hand, entries)
    log.info("%s %s: %s", server, name, found)

    assert (found.read, found.rejected) == (found.lines, found.spoilt)
    assert (found.missed, found.not_denials) == (0, 0)
    assert found.sure_and_wrong == 0
    assert found.by_right / found.denials >= (BY_WHOM if tells_by_whom else BY_WHOM_POORLY), found.wrong
    assert found.cause_right / found.denials >= CAUSE, found.wrong


@pytest.mark.parametrize(("server", "name", "format_name"), [case[:3] for case in CASES if case[2] is not None])
def test_the_format_of_a_real_log_is_guessed(
    server: str, name: str, format_name: str, asked: Callable[[str, str], Written]
) -> None:
    found = guess(asked(server, name).log(name)[:60_000], load_folders([shipped("parsers")]).values())

    assert found is not None
    assert (found.name, found.confidence, found.mixed_with) == (format_name, 1.0, None)


@pytest.mark.parametrize("name", [name for name in nginx.FORMATS if name != "plain"])
def test_nginxs_formats_agree_field_by_field(name: str, asked: Callable[[str, str], Written]) -> None:
    written = asked("nginx", name)
    # its workers write in an order of their own, in which the first routes would be admitted
    options = ParseOptions(route_cap=10**9)
    plain, other = (
        compiled(form_of("nginx", each, None), options).events(batch(written.log(each))).frame.sort("query")
        for each in ("plain", name)
    )

    assert plain.height == len(written.journal.asked)
    for column in AGREED:
        assert plain[column].to_list() == other[column].to_list(), column
    assert plain["time"].to_list() == other["time"].dt.truncate("1s").to_list()
