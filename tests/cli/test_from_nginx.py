"""`formats from-nginx`: the settings that an nginx configuration amounts to, and what stays unseen."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from unittest import mock

from tests.cli.running import log_sentinel

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = """
error_log {folder}/error.log;
http {{
    log_format main '$remote_addr - $remote_user [$time_local] "$request" '
        '$status $body_bytes_sent';
    access_log {folder}/access.log main;
    limit_req_zone $binary_remote_addr zone=api:1m rate=1r/s;
    server {{
        location /admin {{ deny all; }}
        location /made {{ return 403; }}
        location / {{ limit_req zone=api; proxy_pass http://up; }}
    }}
}}
"""
LINE = '203.0.113.7 - - [24/Nov/2026:03:33:{second:02d} +0000] "GET {path} HTTP/1.1" {status} 153\n'
ENTRY = (
    "2026/11/24 03:33:{second:02d} [error] 1#1: *7 access forbidden by rule, client: 203.0.113.7, server: x, "
    'request: "GET {path} HTTP/1.1", host: "x"\n'
)


def an_nginx(folder: Path) -> None:
    """A configuration with a log of 97 requests that are allowed, 4 denied by rule, 2 limited, 2 by `return`."""
    (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder))
    told = [LINE.format(second=n % 60, path=f"/orders/{n}", status=200) for n in range(97)]
    told += [LINE.format(second=n, path=f"/admin/{n}", status=403) for n in range(4)]
    told += [LINE.format(second=n, path=f"/orders/{n}", status=429) for n in range(2)]
    told += [LINE.format(second=n, path=f"/made/{n}", status=403) for n in range(2)]
    (folder / "access.log").write_text("".join([*told, "\x1b[31mnot a line\n"]))
    (folder / "error.log").write_text("".join(ENTRY.format(second=n, path=f"/admin/{n}") for n in range(4)))


def test_what_is_printed_are_settings_that_config_check_accepts(tmp_path: Path) -> None:
    an_nginx(tmp_path)
    ran = log_sentinel("formats", "from-nginx", tmp_path / "nginx.conf", folder=tmp_path, TZ="Europe/Berlin")
    (tmp_path / "log-sentinel.toml").write_text(ran.out)

    checked = log_sentinel("config", "check", folder=tmp_path)

    assert (0, 0) == (ran.code, checked.code), checked.err
    shown = log_sentinel("config", "show", folder=tmp_path).out
    assert all(word in shown for word in ("sources.access.path", "sources.access.error_log", "Europe/Berlin"))


def test_how_much_is_read_and_explained_is_said_with_what_would_explain_more(tmp_path: Path) -> None:
    an_nginx(tmp_path)

    said = log_sentinel("formats", "from-nginx", tmp_path / "nginx.conf", folder=tmp_path, TZ="UTC").out

    assert "access.log: 99.1 % of the last 106 lines are read.\n" in said
    assert "# 8 of them are denials; by whom and why is known of 50 %.\n" in said
    assert "# Add $limit_req_status $upstream_status $connection for up to 75 %:\n" in said
    assert "# Not read, as others: does not fit the format: \\x1b[31mnot a line\n" in said
    assert "'$limit_req_status $upstream_status $connection';\n" in said
    assert 3 == said.count("denied_by=")


def test_what_is_proposed_is_proposed_no_more_when_it_was_followed(tmp_path: Path) -> None:
    an_nginx(tmp_path)
    followed = CONFIGURATION.replace("sent'", "sent $limit_req_status $upstream_status $connection'")
    (tmp_path / "nginx.conf").write_text(followed.format(folder=tmp_path))

    said = log_sentinel("formats", "from-nginx", tmp_path / "nginx.conf", folder=tmp_path).out

    assert "# Add " not in said
    assert "nginx logs no word on `return 403`" in said


def test_of_auth_request_is_said_what_would_tell_it_from_a_return(tmp_path: Path) -> None:
    an_nginx(tmp_path)
    asking = CONFIGURATION.replace("proxy_pass", "auth_request /auth; proxy_pass")
    keeping = asking.replace("/auth;", "/auth; auth_request_set $auth_status $upstream_status;")
    keeping = keeping.replace("sent'", "sent $request_time $auth_status'")
    said = []
    for text in (asking, keeping):
        (tmp_path / "nginx.conf").write_text(text.format(folder=tmp_path))
        said.append(log_sentinel("formats", "from-nginx", tmp_path / "nginx.conf", folder=tmp_path).out)

    assert (
        "# Add $limit_req_status $upstream_status $request_time $auth_status $connection for up to 75 %:\n" in said[0]
    )
    assert "#     auth_request_set $auth_status $upstream_status;  # beside each auth_request\n" in said[0]
    assert "# Nor does it on auth_request: without $auth_status only the time it takes tells it" in said[0]
    assert "# Add $limit_req_status $upstream_status $connection to" in said[1]
    assert "auth_request_set" not in said[1].replace(keeping, "")


def test_a_log_without_time_or_status_is_commented_out(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text("http { log_format x '$remote_addr'; access_log /a.log x; }")

    ran = log_sentinel("formats", "from-nginx", tmp_path / "nginx.conf", folder=tmp_path)

    assert all(line.startswith("#") for line in ran.out.splitlines() if line)
    assert "no time and no status" in ran.out


def test_without_crossplane_it_is_said_how_to_get_it(tmp_path: Path) -> None:
    an_nginx(tmp_path)

    with mock.patch.dict(sys.modules, {"crossplane": None}):
        ran = log_sentinel("formats", "from-nginx", tmp_path / "nginx.conf", folder=tmp_path)

    assert (1, "") == (ran.code, ran.out)
    assert "pip install 'log-sentinel[nginx]'" in ran.err


def test_a_configuration_that_is_missing_or_wrong_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "wrong.conf").write_text("http {")

    missing = log_sentinel("formats", "from-nginx", "none.conf", folder=tmp_path)
    wrong = log_sentinel("formats", "from-nginx", "wrong.conf", folder=tmp_path)

    assert (1, "none.conf: No such file or directory\n") == (missing.code, missing.err)
    assert (1, 1) == (wrong.code, wrong.err.count("\n"))
