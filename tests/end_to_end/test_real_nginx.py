"""That the real nginx of these tests does what the other tests take for granted."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.end_to_end.real_nginx import a_real_nginx

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 24, 10, 0, 7, tzinfo=UTC)


def test_it_denies_limits_and_authenticates_and_logs_in_the_combined_format(tmp_path: Path) -> None:
    with a_real_nginx(tmp_path / "nginx") as nginx:
        assert nginx.get("/hello", at=AT) == [200]
        assert nginx.get("/admin/users", at=AT, source="127.0.0.9", times=2) == [403, 403]
        assert nginx.get("/limited", at=AT, source="127.0.0.8", times=3) == [200, 429, 429]
        assert nginx.get("/reports/7", at=AT) == [401]
        assert nginx.get("/reports/7", at=AT, user="acme-prod") == [403]
        lines = nginx.access_log.read_text().splitlines()
    combined = re.compile(
        r'(\S+) - (\S+) \[24/Nov/2026:10:00:07 \+0000\] "GET (\S+) HTTP/1\.1" (\d{3}) \d+ "-" "okhttp/4\.12\.0"'
    )
    seen = [found.groups() for line in lines if (found := combined.fullmatch(line))]
    assert seen == [
        ("127.0.0.1", "-", "/hello", "200"),
        ("127.0.0.9", "-", "/admin/users", "403"),
        ("127.0.0.9", "-", "/admin/users", "403"),
        ("127.0.0.8", "-", "/limited", "200"),
        ("127.0.0.8", "-", "/limited", "429"),
        ("127.0.0.8", "-", "/limited", "429"),
        ("127.0.0.1", "-", "/reports/7", "401"),
        ("127.0.0.1", "acme-prod", "/reports/7", "403"),
    ]


def test_it_opens_a_new_log_when_it_is_rotated(tmp_path: Path) -> None:
    with a_real_nginx(tmp_path / "nginx") as nginx:
        nginx.get("/before", at=AT)
        rotated = nginx.rotate()
        nginx.get("/after", at=AT)
        assert "/before" in rotated.read_text()
        assert "/after" in nginx.access_log.read_text()
        assert "/before" not in nginx.access_log.read_text()
