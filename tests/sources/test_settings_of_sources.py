from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from log_sentinel.daemon.settings import Settings
from log_sentinel.sources.settings import FileSource, SyslogSource


def test_a_path_is_enough() -> None:
    source = FileSource(path="/var/log/nginx/access.log")
    assert ("end", timedelta(seconds=1), "UTC", None) == (
        source.start,
        source.poll_every,
        source.zone,
        source.format,
    )


@pytest.mark.parametrize(
    ("key", "value", "right"),
    [
        ("trusted_proxies", ["10.0.0.0/33"], 'an address or a network, as in "10.0.0.0/8"'),
        ("zone", "Europe/Berlim", 'a time zone of the tz database, as in "UTC" or "Europe/Berlin"'),
        ("zone", "../../etc/passwd", "a time zone of the tz database"),
        ("poll_every", "10ms", "at least 100ms"),
        ("path", "", "at least 1 character"),
        ("max_line_bytes", 10, "greater than or equal to 1024"),
    ],
)
def test_a_mistake_is_named_with_what_would_be_right(key: str, value: object, right: str) -> None:
    with pytest.raises(ValidationError) as refused:
        FileSource.model_validate({"path": "/var/log/access.log", key: value})
    assert right in str(refused.value)


def test_a_format_is_named_once() -> None:
    with pytest.raises(ValidationError, match="format and log_format are both set"):
        FileSource(path="x", format="nginx-combined", log_format="$remote_addr")


def test_proxies_are_written_as_networks() -> None:
    assert ("10.0.0.0/8", "192.0.2.7/32") == FileSource(
        path="x", trusted_proxies=("10.1.2.3/8", "192.0.2.7")
    ).trusted_proxies


@pytest.mark.parametrize(
    ("source", "right"),
    [
        ({"type": "push", "token": "short"}, "at least 16 characters"),
        ({"type": "push", "path": "/var/log/access.log"}, "Extra inputs are not permitted"),
        ({"type": "syslog", "listen": "localhost"}, 'an address and a port up to 65535, as in "127.0.0.1:5514"'),
        ({"type": "syslog", "listen": "2001:db8::1:514"}, 'an address and a port up to 65535, as in "127.0.0.1:5514"'),
        ({"type": "syslog", "listen": "[::]:5514"}, "name in senders who may send, or listen on 127.0.0.1"),
        ({"type": "syslog", "protocols": []}, '"udp", "tcp" or both are possible'),
        ({"type": "pipe"}, "does not match any of the expected tags: 'file', 'push', 'syslog', 'stdin'"),
    ],
)
def test_a_mistake_in_another_kind_of_source_is_named_too(source: dict[str, object], right: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({"sources": {"edge": source}})
    assert right in str(refused.value)


def test_there_is_one_standard_input() -> None:
    pipes = {"one": {"type": "stdin"}, "other": {"type": "stdin"}}
    with pytest.raises(ValidationError, match='one and other are both of type "stdin"; there is one standard input'):
        Settings.model_validate({"sources": pipes})


def test_senders_make_a_syslog_source_reachable() -> None:
    source = {"type": "syslog", "listen": "[::]:5514", "senders": ["10.1.2.3/8"]}
    found = Settings.model_validate({"sources": {"lb": source}}).sources["lb"]
    assert isinstance(found, SyslogSource)
    assert ("::", 5514, ("10.0.0.0/8",)) == (found.host, found.port, found.senders)
