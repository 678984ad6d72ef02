"""Formats that people describe themselves: by a regular expression, or starting from a skeleton."""

from __future__ import annotations

import json
import tomllib

from log_sentinel.parsing.compiling import ParseOptions, compiled
from log_sentinel.parsing.definitions import Definition, parsed
from log_sentinel.parsing.samples import prove
from log_sentinel.parsing.skeleton import skeleton
from tests.parsing.builders import batch, line

ACME = r"""
name = "acme"
gateway = "acme"
description = "our own gateway"
kind = "regex"
pattern = '(?P<at>\S+) (?P<verdict>OK|NO):(?P<code>\d{3}) (?P<verb>[A-Z]+) (?P<path>\S+) from (?P<who>\S+)'
[columns]
time = { from = "at", as = "iso8601" }
status = "code"
method = "verb"
target = "path"
ip = "who"
[evidence]
verdict = "verdict"
[[verdict]]
name = "no"
when = { "x.verdict" = "NO" }
denied_by = "gateway"
cause = "resource_policy"
confidence = 0.8
because = "the gateway said no"
[[sample]]
kind = "allowed"
line = "2026-11-24T03:33:33Z OK:200 GET /a/1?x=1 from 203.0.113.7"
event = { status = 200, route = "/a/{id}" }
[[sample]]
kind = "denied"
line = "2026-11-24T03:33:33Z NO:403 GET /a from 203.0.113.7"
event = { status = 403, ip = "203.0.113.7" }
[[sample]]
kind = "hostile"
line = "2026-11-24T03:33:33Z NO:403 GET /a OK:200 from 203.0.113.7"
rejected = true
"""


def test_a_regular_expression_with_named_groups_is_a_format() -> None:
    definition = parsed(ACME.encode(), "acme.toml")

    assert prove(definition) == []


def test_many_lines_of_it_are_read_one_by_one() -> None:
    definition = parsed(ACME.encode(), "acme.toml")
    text = "2026-11-24T03:33:33Z NO:403 GET /a from 203.0.113.7\n" * 5000

    assert compiled(definition, ParseOptions()).parse(batch(text)).denials.height == 5000


def test_the_skeleton_of_a_json_log_finds_the_fields_by_their_names() -> None:
    entry = {"ts": "2026-11-24T03:33:33Z", "http": {"status": 403, "path": "/a", "a.b": 1}, "client_ip": "203.0.113.7"}
    text = skeleton("acme", (json.dumps(entry) + "\n").encode() * 3)

    definition = Definition.model_validate(tomllib.loads(text))
    parsed = compiled(definition, ParseOptions()).parse(batch(json.dumps(entry) + "\n"))
    assert parsed.denials.select("status", "path", "ip").rows() == [(403, "/a", "203.0.113.7")]
    assert [sample.line for sample in definition.samples] == [json.dumps(entry)] * 3
    assert r"http.a\.b" in text


def test_the_skeleton_of_a_text_log_is_a_definition_that_can_be_mended() -> None:
    definition = Definition.model_validate(tomllib.loads(skeleton("acme", line(403).encode() * 3)))

    assert prove(definition) == []
    assert {"ip", "time", "request", "status"} == set(definition.columns)
