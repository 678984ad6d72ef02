"""What of an nginx configuration decides how its logs are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_sentinel.parsing.log_format import Directive, read, written
from log_sentinel.parsing.nginx_conf import BadConfiguration, NginxConf
from log_sentinel.parsing.nginx_conf import read as read_conf

if TYPE_CHECKING:
    from pathlib import Path

MAIN = Directive("main", None, '$remote_addr [$time_local] "$request" $status')


def conf(folder: Path, text: str, **included: str) -> NginxConf:
    (folder / "nginx.conf").write_text(text)
    for name, part in included.items():
        (folder / f"{name}.conf").write_text(part)
    return read_conf(folder / "nginx.conf", folder)


def test_formats_and_logs_of_included_files_belong_together(tmp_path: Path) -> None:
    found = conf(
        tmp_path,
        "error_log /var/log/nginx/error.log; http { include formats.conf; access_log /var/log/nginx/a.log main;"
        " include sites*.conf; }",
        formats="""log_format main '$remote_addr [$time_local] ' # the time
            '"$request" $status';""",
        sites_one="server { access_log logs/$host.log; } server { listen 80; }",
    )

    assert [("/var/log/nginx/a.log", MAIN), (f"{tmp_path}/logs/*.log", None)] == [
        (log.path, log.directive) for log in found.logs
    ]
    assert [("/var/log/nginx/error.log",)] * 2 == [log.error_logs for log in found.logs]


def test_a_level_with_logs_of_its_own_does_not_write_those_above(tmp_path: Path) -> None:
    found = conf(
        tmp_path,
        "http { access_log /a.log; server { access_log /b.log; location /quiet { access_log off; } }"
        " server { access_log syslog:server=unix:/dev/log; } }",
    )

    assert ["/a.log", "/b.log"] == [log.path for log in found.logs]


def test_the_error_log_beside_a_log_is_that_of_most_of_its_servers(tmp_path: Path) -> None:
    found = conf(
        tmp_path,
        "error_log /e.log; http { access_log /a.log; server { error_log stderr; } server { error_log /x.log; }"
        " server { location / { } location /b { } } }",
    )

    assert [("/e.log", "/x.log")] == [log.error_logs for log in found.logs]


def test_what_a_reader_must_know_of_a_log_is_noted(tmp_path: Path) -> None:
    found = conf(
        tmp_path,
        "http { access_log /a.log.gz combined gzip=4 if=$loud; access_log /dev/stdout; access_log /m.log missing; }",
    )

    assert [2, 1, 1] == [len(log.notes) for log in found.logs]


def test_where_nginx_denies_silently_is_known_by_its_location(tmp_path: Path) -> None:
    found = conf(
        tmp_path,
        r"""http { server { location /a/ { return 403; } location = /b { secure_link $arg_m; }
            location ~* \.php$ { if ($c) { return 403; } } location /d { deny all; limit_req zone=z; }
            location @named { grpc_pass u; } } }""",
    )

    paths = ["/a/7", "/b", "/b/c", "/x/Y.PHP", "/d", "/"]
    assert [True, True, False, True, False, False] == [found.says_nothing_of(path) for path in paths]
    assert ({"limit_req"}, True) == (found.limits, found.asks_upstreams)


def test_a_server_that_denies_silently_may_deny_everything_so(tmp_path: Path) -> None:
    assert conf(tmp_path, "http { server { valid_referers none; } }").says_nothing_of("/any")


@pytest.mark.parametrize("text", ["http { server {", "http { include missing.conf; }"])
def test_a_configuration_that_nginx_would_refuse_is_said_with_its_file(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"conf.*nginx -t"):
        conf(tmp_path, text)


texts = st.lists(
    st.sampled_from(["$status", "${status}", "$a", " ", "x", "'", '"', "\\", "\t", "\n", ",", "{", "0", "ä", "$"]),
    max_size=60,
).map("".join)


@given(text=texts)
def test_a_directive_that_is_written_reads_as_it_was(text: str) -> None:
    directive = Directive("main", "json", f"$remote_addr {text}")

    assert directive == read(written(directive))


def test_more_variables_go_to_the_end_of_a_line_and_into_an_object() -> None:
    text, members = Directive("a", None, "$status"), Directive("b", "json", '{"status":$status}')

    assert "log_format a\n    '$status $connection';" == written(text, ["connection"])
    assert """log_format b escape=json\n    '{"status":$status,"connection":"$connection"}';""" == written(
        members, ["connection"]
    )


def test_a_variable_ends_where_its_string_does() -> None:
    assert "${status}00 $status" == read("log_format x '$status' '00 $status';").text
