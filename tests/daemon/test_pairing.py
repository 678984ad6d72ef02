"""Which of the files named to `ingest` are error logs, and whose."""

from __future__ import annotations

from pathlib import Path

import pytest

from log_sentinel.content import shipped
from log_sentinel.daemon.error_logs import error_log_definitions
from log_sentinel.daemon.pairing import WhoseErrorLog, paired
from log_sentinel.daemon.settings import Settings
from tests.parsing.builders import definition

REQUEST = b'203.0.113.7 - - [24/Nov/2026:10:00:01 +0000] "GET %s HTTP/1.1" 403 9 "-" "t"\n'
ENTRY = (
    b"2026/11/24 10:00:01 [error] 1#1: *1 access forbidden by rule, client: 203.0.113.7, server: _, "
    b'request: "GET / HTTP/1.1", host: "x"\n'
)
APACHE = b"[Tue Nov 24 10:00:01.123456 2026] [authz_core:error] [pid 7:tid 8] [client 203.0.113.7:1] AH01630: x: /y\n"
STACK_TRACE = (
    b"2026/11/24 10:00:01 [error] 1#1: *1 FastCGI sent in stderr: x\n#0 {main}\n  thrown in /a.php on line 7\n"
)
LOOKS_LIKE_AN_ENTRY = REQUEST % b"/: 2026/11/24 10:00:01 [error] 1#1: access forbidden by rule"


def pairs(heads: dict[str, bytes], settings: Settings | None = None) -> dict[str, str | None]:
    settings = settings or Settings()
    known = error_log_definitions(settings, Path(shipped("parsers")))
    return paired([*heads], heads.__getitem__, settings, known, [definition("nginx-combined")]).explains


@pytest.mark.parametrize(
    ("heads", "expected"),
    [
        ({"access.log": REQUEST % b"/", "error.log": ENTRY}, {"error.log": "access"}),
        ({"error.log": APACHE, "access.log": REQUEST % b"/"}, {"error.log": "access"}),
        ({"access.log": REQUEST % b"/", "error.log.2.gz": ENTRY + STACK_TRACE}, {"error.log.2.gz": "access"}),
        ({"site.log": REQUEST % b"/", "nginx-errors": ENTRY}, {"nginx-errors": "site"}),
        (
            {"a.access.log": REQUEST % b"/", "b.access.log": REQUEST % b"/", "b.error.log": ENTRY, "error.log": ENTRY},
            {"b.error.log": "b.access", "error.log": None},
        ),
        ({"error.log": ENTRY}, {"error.log": "access"}),
        ({"nginx.log": ENTRY}, {"nginx.log": None}),
        ({"access.log": LOOKS_LIKE_AN_ENTRY * 9}, {}),
    ],
)
def test_an_error_log_is_known_by_its_entries_and_belongs_to_the_log_that_its_name_or_the_choice_says(
    heads: dict[str, bytes], expected: dict[str, str | None]
) -> None:
    assert expected == pairs(heads)


def test_the_settings_say_whose_it_is_before_its_name_does(tmp_path: Path) -> None:
    logs = {"path": str(tmp_path / "shop.log"), "error_log": str(tmp_path / "error.log"), "type": "file"}
    settings = Settings.model_validate({"sources": {"shop": logs}})

    found = pairs({"access.log": REQUEST % b"/", str(tmp_path / "error.log.1"): ENTRY}, settings)

    assert {str(tmp_path / "error.log.1"): "shop"} == found


def test_an_error_log_of_nobody_is_told_with_what_to_do() -> None:
    assert (
        "error.log: this is an error log, and it may be that of any of a, b. Ingest it together with its access log "
        "and no other, or set `error_log` of that log's source."
    ) == str(WhoseErrorLog("error.log", {"b", "a"}))


def test_a_path_that_cannot_be_looked_at_is_left_to_whoever_reads_it() -> None:
    def missing(path: str) -> bytes:
        raise FileNotFoundError(path)

    assert {} == paired(["nope.log"], missing, Settings(), {}, []).explains
