"""The languages in which servers are told what to log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from log_sentinel.parsing import apache_language, envoy_language, haproxy_language, log_format, nginx_language

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from log_sentinel.parsing.layout import Part
    from log_sentinel.parsing.log_format import Directive
    from log_sentinel.parsing.readings import Meanings


@dataclass(frozen=True, slots=True)
class Language:
    """How a directive is read and taken apart, what its variables mean, and which of them only the diagnosis reads.

    `evidence`: name of the evidence column -> variable. `variants`: the kinds of line that a format's text makes.
    """

    read: Callable[[str], Directive]
    parts: Callable[[str], list[Part]]
    meanings: Meanings = field(default_factory=dict)
    evidence: Mapping[str, str] = field(default_factory=dict)
    variants: Callable[[str], list[str]] = lambda text: [text]


LANGUAGES = {
    "nginx": Language(log_format.read, nginx_language.parts, nginx_language.MEANINGS, nginx_language.EVIDENCE),
    "apache": Language(apache_language.read, apache_language.parts, apache_language.MEANINGS, apache_language.EVIDENCE),
    "envoy": Language(
        envoy_language.read,
        envoy_language.parts,
        envoy_language.MEANINGS,
        envoy_language.EVIDENCE,
        envoy_language.variants,
    ),
    "haproxy": Language(
        haproxy_language.read,
        haproxy_language.parts,
        haproxy_language.MEANINGS,
        haproxy_language.EVIDENCE,
        haproxy_language.variants,
    ),
    # nginx's way of writing for formats that no directive describes: what the variables mean, the definition says
    "fields": Language(log_format.read, nginx_language.plain_parts),
}
