"""Lines of three servers, whole and broken, against writers that know what they wrote.

FUZZ_LINES=1000000 is the long form (`make fuzz`): a million lines.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from log_sentinel.content import shipped
from log_sentinel.parsing import parser as parser_module
from log_sentinel.parsing.compiling import ParseOptions, Parser, compiled
from log_sentinel.parsing.definitions import load_folders
from log_sentinel.parsing.directive import from_directive
from tests.lengths import times
from tests.parsing.builders import batch
from tests.parsing.test_paths_agree import assert_same
from tests.parsing.writers import escaped, time_local

if TYPE_CHECKING:
    from collections.abc import Callable

LINES = int(os.environ.get("FUZZ_LINES", times(16_000, 10_000_000)))
BATCH = 1000
LONG = LINES >= 1_000_000
LONG_LINE = 10_000_000 if LONG else 100_000
# of lines that repeat something at one of many places, in every shipped format
PLACES, REPEATED = (6, 500_000) if LONG else (4, 20_000)
SHIPPED = load_folders([shipped("parsers")])
Values = dict[str, str]


def as_apache(value: str) -> str:
    r"""ap_escape_logitem: \" and \\, C's letters, \xhh in lower case for what is not printable ASCII."""
    letters = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\v": "\\v", '"': '\\"', "\\": "\\\\"}
    out = []
    for byte in value.encode("utf-8", "surrogateescape"):
        char = chr(byte)
        out.append(letters.get(char) or (char if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"))
    return "".join(out)


def as_haproxy(value: str) -> str:
    """lf_encode_string: quotes, #, and what is not printable ASCII, as # and two digits."""
    raw = value.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"#{|}' else f"#{byte:02X}" for byte in raw)


@dataclass(frozen=True)
class Writer:
    """A server's way to write a line. `directive` is what it was told, `says` the columns that its lines tell."""

    directive: str
    write: Callable[[Values], str]
    says: tuple[str, ...] = ("user_agent", "client")


def nginx_combined(v: Values) -> str:
    user, referer, agent = (escaped(v[name], "default") or "-" for name in ("user", "referer", "agent"))
    request = escaped(v["request"], "default")
    return f'{v["ip"]} - {user} [{v["clf"]}] "{request}" {v["status"]} 153 "{referer}" "{agent}"'


def nginx_upstream(v: Values) -> str:
    return f"{nginx_combined(v)} 0.104 PASSED {v['upstream']} f0352978ffd82d3cd5a8a0b1e7c1d41a"


def nginx_json(v: Values) -> str:
    told = {"time": v["iso"], "ip": v["ip"], "request": v["request"], "ua": v["agent"], "user": v["user"]}
    return json.dumps(told, ensure_ascii=False)[:-1] + f', "status":{v["status"]}}}'


def apache_combined(v: Values) -> str:
    user, referer, agent = (as_apache(v[name]) or "-" for name in ("user", "referer", "agent"))
    return f'{v["ip"]} - {user} [{v["clf"]}] "{as_apache(v["request"])}" {v["status"]} - "{referer}" "{agent}" 651'


def haproxy(v: Values) -> str:
    return (
        f"{v['ip']}:50754 [{v['milliseconds']}] fe~ up/s1 0/0/1/12/13 {v['status']} 164 - - ---- 1/1/0/0/0 0/0 "
        f'{{{as_haproxy(v["agent"])}|edge}} "{as_haproxy(v["request"])}"'
    )


COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
)
WRITERS = {
    "nginx combined": Writer(f"log_format a '{COMBINED}';", nginx_combined),
    "nginx upstream": Writer(
        f"log_format a '{COMBINED} $request_time $limit_req_status $upstream_addr $request_id';", nginx_upstream
    ),
    "nginx json": Writer(
        """log_format a escape=json '{"time":"$time_iso8601","ip":"$remote_addr","request":"$request",'
        '"ua":"$http_user_agent","user":"$remote_user","status":$status}';""",
        nginx_json,
    ),
    "apache": Writer(r'LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\" %D"', apache_combined),
    "haproxy": Writer("option httplog", haproxy, says=()),
}
PIECES = [
    '"', "\\", '\\"', '" 200 5 "-" "-"', "[24/Nov/2026:03:33:33 +0000]",
    '- [24/Nov/2026:03:33:33 +0000] "GET / HTTP/1.1" 200 ',
    " : ", ", ", "-", "\t", " ", "{", "}", "|", "é", "€", "\u2028", "%22", "&b=c", "#22", "\\x22", "\\u0022", "\x7f",
    "\x01", "403", "a", "orders", "/", "42", "'", "\0", "\r", " HTTP/1.1", '","status":"200',
]  # fmt: skip


def some_text(dice: random.Random) -> str:
    return "".join(dice.choices(PIECES, k=dice.randrange(6)))


def some_values(dice: random.Random) -> Values:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=dice.randrange(10**10))
    path = "/" + "".join(piece for piece in dice.choices(PIECES, k=dice.randrange(5)) if "#" not in piece)
    query = dice.choice(["", "", "?a=1", "?page=2&b=%22"])
    return {
        "clf": time_local(at),
        "iso": at.isoformat(timespec="seconds"),
        "milliseconds": f"{time_local(at)[:20]}.{at.microsecond // 1000:03d}",
        "ip": dice.choice(["203.0.113.7", "2001:db8::1", "10.0.0.1"]),
        "user": some_text(dice),
        "path": path,
        "query": query[1:],
        "request": f"{dice.choice(['GET', 'POST', 'PURGE'])} {path}{query} HTTP/1.1",
        "status": dice.choice(["200", "403", "429", "503", "404"]),
        "referer": some_text(dice),
        "agent": some_text(dice),
        "upstream": dice.choice(["-", "10.1.1.1:80", "10.1.1.1:80, [2001:db8::7]:80", "10.1.1.1:80 : unix:/run/a"]),
    }


def broken(line: bytes, dice: random.Random) -> bytes:
    """The line with a piece of it gone, doubled, or replaced by some bytes."""
    for _ in range(dice.randrange(1, 4)):
        at, length = dice.randrange(len(line) + 1), dice.randrange(60)
        instead = dice.choice([b"", line[at : at + length] * 2, dice.randbytes(5), b'"', b"\\", b" ", b"\xff", b"\0"])
        line = line[:at] + instead.replace(b"\n", b"") + line[at + length * dice.randrange(2) :]
    return line


def expected(values: Values, writer: Writer) -> tuple[object, ...]:
    """What must come of a line that nobody broke: path, query, ip, status and what else the writer says."""
    said = {"user_agent": values["agent"], "client": values["user"]}
    more = [None if said[name] in ("", "-") else said[name][:512] for name in writer.says]
    return (values["path"], values["query"] or None, values["ip"], int(values["status"]), *more)


@pytest.mark.parametrize("name", WRITERS)
def test_fast_path_careful_path_and_the_writer_agree(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, dice = WRITERS[name], random.Random(name)
    form = from_directive(writer.directive)
    columns = ["path", "query", "ip", "status", *writer.says]
    for _ in range(max(1, LINES // BATCH // len(WRITERS))):
        written = [some_values(dice) for _ in range(BATCH)]
        whole = [dice.random() < 0.7 for _ in written]
        lines = [
            line if is_whole else broken(line, dice)
            for line, is_whole in zip((writer.write(v).encode() for v in written), whole, strict=True)
        ]
        offsets = [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines))]
        ways = {}
        for way, small in (("fast", 0), ("careful", 10**12)):
            monkeypatch.setattr(parser_module, "SMALL", dict.fromkeys(("text", "json"), small))
            ways[way] = parser(form).parse(batch(b"\n".join(lines) + b"\n"))
        fast, careful = ways["fast"], ways["careful"]

        assert_same(fast, careful)
        assert fast.lines == fast.traffic["n"].sum() + sum(fast.reject_counts.values())
        found = dict(zip(careful.denials["origin_offset"], careful.denials.select(columns).rows(), strict=True))
        for values, offset, is_whole in zip(written, offsets, whole, strict=True):
            if is_whole:
                denied = values["status"] in ("403", "429")
                assert (expected(values, writer) if denied else None) == found.get(offset), writer.write(values)


def parser(form: object) -> Parser:
    return compiled(form, ParseOptions())  # type: ignore[arg-type]  # what from_directive gives


HOSTILE = [
    '"',
    "\\",
    '\\"',
    '" ',
    ", ",
    " : ",
    "[",
    '"GET / HTTP/1.1" 200 ',
    "{",
    "|",
    "-",
    "a",
    "é",
    '{"a":',
    "#22",
    "1.2.3.4:",
    " ",
    ": ",
    "\t",
    "] ",
    " [24/Nov/2026:03:33:33 +0000]",
    "/x",
]


@pytest.mark.parametrize("name", WRITERS)
def test_a_line_takes_no_more_than_its_length(name: str) -> None:
    """Whatever a very long line repeats, it is read in passing: a reader that goes back would take hours."""
    writer, dice = WRITERS[name], random.Random(0)
    counts: Counter[str] = Counter()
    for piece in HOSTILE:
        for field in ("user", "agent", "path"):
            values = some_values(dice) | {field: piece * (LONG_LINE // len(piece))}
            line = writer.write(values | {"request": f"GET /{values['path']} HTTP/1.1"})
            torn = line[: len(line) // 2] + line[-40:]
            counts += Counter(parser(from_directive(writer.directive)).parse(batch(f"{line}\n{torn}\n")).reject_counts)

    assert counts


@pytest.mark.parametrize("name", SHIPPED)
def test_no_shipped_format_goes_back_in_a_long_line(name: str) -> None:
    """Whatever a line repeats, and wherever: an end that is looked for from each place where a value may end is an hour
    of one line."""
    form = SHIPPED[name]
    parses = compiled(form, ParseOptions())
    lines = list(dict.fromkeys(sample.line for sample in form.samples if sample.kind == "denied"))
    for line in lines if LONG else lines[:1]:
        for place in places(line):
            for piece in HOSTILE if LONG else [" ", '"', "\\", ", ", ": ", "a"]:
                long = line[:place] + piece * (REPEATED // len(piece)) + line[place:]
                parsed = parses.parse(batch(long))
                requests = int(parsed.traffic["n"].sum() or 0)

                assert requests + sum(parsed.reject_counts.values()) >= 1, (place, piece)


def places(line: str) -> list[int]:
    """The beginning, the end, and between them places behind what may end a value."""
    found = [number for number, char in enumerate(line, 1) if char in '" [{:,']
    return sorted({0, len(line), *found[:: max(1, len(found) // PLACES)]})
