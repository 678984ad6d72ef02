"""Two formats in one file."""

from __future__ import annotations

import json

from log_sentinel.diagnosis.verdict import Judge, judge_each
from log_sentinel.parsing.mixed import MixedParser
from tests.parsing.builders import batch, definition, line, parser

KONG = {
    "request": {"uri": "/v1", "method": "GET"},
    "response": {"status": 429},
    "started_at": 1795491213522,
    "source": "kong",
}


def test_each_line_is_read_by_the_format_it_has_and_judged_by_its_rules() -> None:
    mixed = MixedParser([parser("nginx-combined"), parser("kong-file-log")])
    entry = json.dumps(KONG) + "\n"
    text = line(403) + entry + "nonsense\n" + line(200) + entry

    parsed = mixed.parse(batch(text, start=100))
    names = ("nginx-combined", "kong-file-log")
    judged = judge_each(parsed.denials, {name: Judge(definition(name)) for name in names}, mixed.evidence)

    first, second = 100 + len(line(403)), 100 + len(line(403) + entry + "nonsense\n" + line(200))
    assert judged.select("origin_offset", "format", "denied_by").rows() == [
        (100, "nginx-combined", "gateway"),
        (first, "kong-file-log", "gateway"),
        (second, "kong-file-log", "gateway"),
    ]
    assert parsed.reject_counts == {"not JSON": 1}
    assert parsed.rejects["origin_offset"].to_list() == [first + len(entry)]
    assert (parsed.lines, parsed.traffic["n"].sum()) == (5, 4)


def test_what_was_never_cut_out_is_counted_once() -> None:
    mixed = MixedParser([parser("nginx-combined"), parser("kong-file-log")])

    parsed = mixed.parse(batch(line(403), skipped=((900, "too long", b"x"),)))

    assert (parsed.reject_counts, parsed.lines, parsed.denials.height) == ({"too long": 1}, 2, 1)
