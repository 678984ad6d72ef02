"""A definition compiled into a parser."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from log_sentinel.parsing.addresses import TrustedProxies
from log_sentinel.parsing.bulk_json import BulkJson
from log_sentinel.parsing.bulk_text import BulkText
from log_sentinel.parsing.canonical import Canonical
from log_sentinel.parsing.definitions import BadDefinition
from log_sentinel.parsing.escapes import UNESCAPE
from log_sentinel.parsing.json_lines import JsonReader
from log_sentinel.parsing.languages import LANGUAGES
from log_sentinel.parsing.layout import Part, Variable, lay_out, merged
from log_sentinel.parsing.options import ParseOptions
from log_sentinel.parsing.parser import Parser
from log_sentinel.parsing.readings import Reading, readings_of
from log_sentinel.parsing.regex_lines import RegexReader
from log_sentinel.parsing.routes import Routes
from log_sentinel.parsing.text_lines import TextReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_sentinel.parsing.definitions import Definition

__all__ = ["ParseOptions", "Parser", "compiled"]


def compiled(definition: Definition, options: ParseOptions) -> Parser:
    """The parser of `definition`. Raises BadDefinition when its format lacks a time or a status, or a proxy is no
    network."""
    evidence = {name: source.source for name, source in definition.evidence.items()}
    if definition.kind == "json":
        readings = definition.readings()
        canonical = _canonical(definition, options, readings, evidence, escape="none")
        json_reader = JsonReader(readings, evidence)
        return Parser(definition, options, canonical, json_reader, BulkJson(json_reader, canonical, options.statuses))
    if definition.pattern is not None:
        readings = definition.readings()
        canonical = _canonical(definition, options, readings, evidence, escape=definition.escape)
        return Parser(definition, options, canonical, RegexReader(definition.pattern, readings, evidence), None)
    language = LANGUAGES[definition.language]
    variants = zip_longest(*map(language.variants, definition.log_format))
    texts = [text for nth_of_each in variants for text in nth_of_each if text is not None]
    formats = [[_shaped(part, definition) for part in merged(language.parts(text))] for text in texts]
    variables = {part.name for parts in formats for part in parts if isinstance(part, Variable)}
    readings = readings_of(language.meanings, variables) | definition.readings()
    evidence = {name: (variable,) for name, variable in language.evidence.items() if variable in variables} | evidence
    for needed in ("time", "status"):
        if not set(readings.get(needed, Reading(())).fields) & variables:
            raise BadDefinition(definition.name, f"log_format: no {needed}; an event needs one. Add its variable.")
    layouts = [lay_out(parts, definition.escape) for parts in formats]
    canonical = _canonical(definition, options, readings, evidence, escape=definition.escape)
    reader = TextReader(layouts, readings, evidence)
    return Parser(definition, options, canonical, reader, BulkText(reader, layouts[0], canonical, options.statuses))


def _canonical(
    definition: Definition,
    options: ParseOptions,
    readings: Mapping[str, Reading],
    evidence: Mapping[str, object],
    *,
    escape: str,
) -> Canonical:
    try:
        proxies = TrustedProxies(options.trusted_proxies)
    except ValueError as error:
        raise BadDefinition(
            definition.name, f"trusted_proxies: {error}; an address or a network such as 10.0.0.0/8."
        ) from None
    unescape = UNESCAPE[escape]
    routes = Routes(options.route_cap, unescape)
    zone = definition.zone or options.zone
    return Canonical(
        readings, tuple(evidence), unescape=unescape, zone=zone, proxies=proxies, routes=routes, conceal=options.conceal
    )


def _shaped(part: Part, definition: Definition) -> Part:
    """`part` in the shape that the definition says, or that what it means implies."""
    if not isinstance(part, Variable):
        return part
    status = definition.columns.get("status")
    implied = "status" if status is not None and part.name in status.source else part.shape
    return Variable(part.name, definition.shapes.get(part.name, implied))
