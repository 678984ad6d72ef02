import gzip
import json
import lzma
from pathlib import Path

import pytest

from log_sentinel.content import shipped
from tests.cli.running import log_sentinel

LINE = '192.0.2.7 - - [24/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 403 153 "-" "curl/8"\n'


def test_every_shipped_format_is_listed(tmp_path: Path) -> None:
    ran = log_sentinel("formats", "list", "--output", "json", folder=tmp_path)

    assert {form["format"] for form in json.loads(ran.out)} == {path.stem for path in shipped("parsers").glob("*.toml")}


def test_a_folder_of_ones_own_is_listed_too(tmp_path: Path) -> None:
    own = (shipped("parsers") / "nginx-combined.toml").read_text().replace('"nginx-combined"', '"nginx-mine"', 1)
    (tmp_path / "formats").mkdir()
    (tmp_path / "formats" / "nginx-mine.toml").write_text(own)
    (tmp_path / "log-sentinel.toml").write_text('[parsing]\ndefinitions = ["formats"]\n')

    ran = log_sentinel("formats", "list", "--output", "json", folder=tmp_path)

    assert "nginx-mine" in {form["format"] for form in json.loads(ran.out)}


PLAIN = (LINE * 50).encode()
PACKED = {
    "access.log": PLAIN,
    "access.log.1.gz": gzip.compress(PLAIN),
    "access.log.1.xz": lzma.compress(PLAIN),
    "damaged.gz": gzip.compress(PLAIN * 1000)[:-100],
    "named-otherwise.log": gzip.compress(PLAIN),
}


@pytest.mark.parametrize("name", [*PACKED, "-"])
def test_a_format_is_recognised_from_the_first_lines(name: str, tmp_path: Path) -> None:
    if name in PACKED:
        (tmp_path / name).write_bytes(PACKED[name])

    ran = log_sentinel("formats", "detect", name, "--output", "json", folder=tmp_path, stdin=LINE * 50)

    [found] = json.loads(ran.out)
    assert found["format"] == "nginx-combined"
    assert found["confidence"] > 0.9


def test_a_file_nobody_can_read_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_bytes(bytes(range(256)) * 40)

    ran = log_sentinel("formats", "detect", "access.log", folder=tmp_path)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("access.log: none of the formats ")
    assert "--log-format" in ran.err


@pytest.mark.parametrize("name", ["none.log", "."])
def test_a_file_that_is_none_is_told_by_its_name(name: str, tmp_path: Path) -> None:
    ran = log_sentinel("formats", "detect", name, folder=tmp_path)

    assert ran.code == 1
    assert ran.err in ("none.log: No such file or directory\n", ".: Is a directory\n")


def test_the_shipped_formats_do_what_their_samples_say(tmp_path: Path) -> None:
    ran = log_sentinel("formats", "test", "--output", "json", folder=tmp_path)

    assert {row["outcome"] for row in json.loads(ran.out)} == {"as written"}
    assert ran.code == 0


def test_a_definition_that_does_not_hold_what_it_says_fails(tmp_path: Path) -> None:
    text = (shipped("parsers") / "nginx-combined.toml").read_text()
    (tmp_path / "nginx-combined.toml").write_text(text.replace("status = 403", "status = 429"))

    ran = log_sentinel("formats", "test", ".", folder=tmp_path)

    assert ran.code == 1
    assert "429" in ran.out


def test_a_definition_that_cannot_be_read_is_a_bad_setting(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('name = "mine"\nkind = "xml"\n')

    ran = log_sentinel("formats", "test", ".", folder=tmp_path)

    assert (ran.code, ran.out) == (78, "")
    assert "mine.toml" in ran.err


def test_a_folder_that_is_none_is_said(tmp_path: Path) -> None:
    ran = log_sentinel("formats", "test", "nowhere", folder=tmp_path)

    assert (ran.code, ran.err) == (1, "nowhere: not a folder; definitions are the *.toml in one.\n")


OTHER = {
    "text": """2026-11-24T03:33:33Z 203.0.113.7 "GET /a HTTP/1.1" 200 17ms
2026-11-24T03:33:34Z 203.0.113.7 "GET /b HTTP/1.1" 403 9ms
2026-11-24T03:33:35Z 203.0.113.7 "GET /\x7f\U0001f600 HTTP/1.1" 200 9ms
""",
    # an agent without quotes is as many words as the client likes
    "loose text": """[10/Feb/2024:21:23:32 +0100] a.example 192.0.2.1 "GET /a HTTP/2.0" 207 - X (Y; rv:1) Z/1
[10/Feb/2024:21:23:40 +0100] b.example 192.0.2.1 "GET / HTTP/1.1" 403 77 Uptime-Kuma/1.23.11
[10/Feb/2024:21:24:01 +0100] b.example 192.0.2.1 "GET /api/ HTTP/1.1" 200 61 x, y
""",
    "json": """{"when":{"time":"2026-11-24T03:33:33Z"},"status":200,"remote_ip":"203.0.113.7"}
{"when":{"time":"2026-11-24T03:33:34Z"},"status":429}
{"when":{"time":"2026-11-24T03:33:35Z"},"status":200}
""",
}


@pytest.mark.parametrize("kind", OTHER)
def test_a_definition_begun_from_a_log_reads_that_log(kind: str, tmp_path: Path) -> None:
    (tmp_path / "other.log").write_text(OTHER[kind])

    begun = log_sentinel("formats", "new", "acme", "--from", "other.log", folder=tmp_path)
    (tmp_path / "acme.toml").write_text(begun.out)
    tried = log_sentinel("formats", "test", ".", "--output", "json", folder=tmp_path)

    assert [{"format": "acme", "samples": 3, "outcome": "as written"}] == json.loads(tried.out)


def test_a_definition_is_begun_with_a_name_and_a_line(tmp_path: Path) -> None:
    (tmp_path / "empty.log").write_text("\n")

    unnamed = log_sentinel("formats", "new", "A B", "--from", "empty.log", folder=tmp_path)
    empty = log_sentinel("formats", "new", "acme", "--from", "empty.log", folder=tmp_path)

    assert (2, 1) == (unnamed.code, empty.code)
    assert empty.err.startswith("empty.log: there is no line in it")
