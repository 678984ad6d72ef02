"""Whatever a log holds, nothing of it takes effect in any message: strings that try, and thousands made up."""

from __future__ import annotations

import email
import email.policy
import json
import os
import re
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from log_sentinel.delivery.console.message import Lines
from log_sentinel.delivery.email.message import Letters
from log_sentinel.delivery.message.composing import Background, compose
from log_sentinel.delivery.message.listing import compose_list
from log_sentinel.delivery.message.text import clean, quoted
from log_sentinel.delivery.slack.message import Layout
from log_sentinel.delivery.webhook.message import body
from log_sentinel.model.incident import HappeningKind, IncidentState
from log_sentinel.model.spike import Dimension, Severity
from log_sentinel.store.incidents import History
from log_sentinel.web.incidents import page
from tests.delivery.happenings import NOON, notification, sample_of, with_everything
from tests.delivery.slack_api import problems
from tests.delivery.stories import MATTERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_sentinel.delivery.message.message import Message
    from log_sentinel.model.incident import Happening

# `make hostile` tries ten thousand
EXAMPLES = int(os.environ.get("HOSTILE_EXAMPLES", "400"))

NASTY = [
    "<!channel> <!here> <@U012AB3CD> <#C012AB3CD> <https://evil.example|click me>",
    "&lt;!channel&gt; &amp;",
    "`` ` ```break out``` *bold* _italic_ ~strike~ :tada: >quote",
    "https://evil.example/?token=1 www.evil.example mailto:a@evil.example",
    "\r\nBcc: victim@example.com\r\n\r\nbody",
    "a\r\n.\r\nMAIL FROM:<x>\r\n",
    "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><svg onload=1>",
    "{{ 7*7 }} {% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %} ${jndi:ldap://x} %s %n {0}",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b]8;;http://evil\x07link \x9b31m \x08\x7f",
    "\u202egnp.exe \u2066\u2069 \u200b\u2060\ufeff \u2028\u2029\x85 \U000e0041",
    "\ud800 \udfff \x00 \uffff",
    "🎉" * 200,
    "a" * 100_000,
    "&" * 5000,
    "`" * 5000,
    "é" * 3000,
    "=?utf-8?q?=0d=0aBcc:_x?=",
    "' OR 1=1; -- $(reboot) `reboot` ; rm -rf ~ #",
    "",
    " ",
]
ANYTHING = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=()), max_size=200),
    st.text(alphabet="<>&`*_~:|!@#\r\n\x1b\"'={}%$\\ a", max_size=300),
    st.lists(st.sampled_from(NASTY), max_size=3).map("".join),
)
TELLS = [Layout()]
LETTERS = Letters("log-sentinel@example.com")
CONSOLE = Lines(colour=False)


def of_everything(text: str, **other: Any) -> Happening:
    """An opening that is `text` all over, with `other` as fields of its incident."""
    happening = with_everything(text)
    return replace(happening, incident=replace(happening.incident, **other))


def ended(text: str) -> Happening:
    over = of_everything(
        text, state=IncidentState.RESOLVED, resolved_at=NOON, evidence={"resolved_as": text, "statuses": [[text, 3]]}
    )
    return replace(over, kind=HappeningKind.RESOLVED)


def as_told(text: str, matter: Happening) -> Happening:
    """`text` told as `matter` is."""
    like = matter.incident
    evidence = {**of_everything(text).incident.evidence, "who": like.evidence.get("who"), "of": like.evidence.get("of")}
    known = {name: value for name, value in evidence.items() if value is not None}
    labels = {name: value for name, value in like.labels.items() if name == "kind"}
    return of_everything(
        text, dimension=like.dimension, expected=like.expected, peak=like.peak, labels=labels, evidence=known
    )


# Everything there are words of its own for.
KINDS: dict[str, Callable[[str], Happening]] = {
    "opened": of_everything,
    "ended": ended,
    "acknowledged": lambda text: replace(of_everything(text), kind=HappeningKind.ACKNOWLEDGED),
    "taken over": lambda text: of_everything(
        text, dimension=Dimension.ROUTE, evidence={"was": {"dimension": "client", "key": text}}
    ),
    "notice": lambda text: of_everything(
        text,
        dimension=Dimension.SELF,
        severity=Severity.NOTICE,
        evidence={"what": text, "says": text, "todo": text, "figures": [["Denials", text]]},
    ),
    **{name: partial(as_told, matter=matter) for name, matter in MATTERS.items()},
}


def composed(text: str, happening: Happening) -> Message:
    return compose(
        notification(happening), Background(samples=[sample_of(text)] * 4), instance=text or "-", now=happening.at
    )


def told_of(text: str) -> Message:
    """One of the messages there are, chosen by the text."""
    kinds = [*KINDS.values(), None]
    kind = kinds[len(text) % len(kinds)]
    if kind is not None:
        return composed(text, kind(text))
    several = [replace(notification(of_everything(text), id=at), incident_id=at) for at in range(1, 4)]
    return compose_list(several, instance=text or "-", now=NOON)


class Markup(HTMLParser):
    """The tags, attributes and links of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def nasty(check: Any) -> Any:
    for text in NASTY:
        check = example(text=text)(check)
    return settings(max_examples=EXAMPLES, deadline=None)(given(text=ANYTHING)(check))


@nasty
def test_in_slack(text: str) -> None:
    message = told_of(text)
    layout = TELLS[0]
    for payload in (layout.incident(message), layout.step(message), layout.plain(message)):
        assert problems(payload) == []
        written = json.dumps(payload).encode()
        assert len(written) < 100_000
        shown = json.dumps(payload, ensure_ascii=False)
        assert "://" not in shown
        assert not re.search(r":tada:(?![^`]*`)", shown.replace("`", "")) or "`" in shown


@nasty
def test_in_a_mail(text: str) -> None:
    letter = LETTERS.letter(told_of(text), "oncall@example.com", None, NOON)
    raw = letter.as_bytes()
    read = email.message_from_bytes(raw, policy=email.policy.default)
    assert {"oncall@example.com"} == {str(value) for name, value in read.items() if name in ("To", "Cc", "Bcc")}
    assert letter.keys() == read.keys()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    html = read.get_body(("html",)).get_content()  # type: ignore[union-attr]
    read_page = Markup(html)
    assert {tag for tag, _ in read_page.tags} <= EXPECTED_TAGS
    assert {name for _, attributes in read_page.tags for name, _ in attributes} <= EXPECTED_ATTRIBUTES
    plain = read.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert not re.search(r"(?i)(?<!\[)(://|www\.|mailto:)", plain + "".join(read_page.texts))


EXPECTED_TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "body",
    "div",
    "p",
    "h1",
    "h2",
    "ul",
    "li",
    "ol",
    "table",
    "tr",
    "td",
    "span",
    "br",
    "code",
    "b",
}
EXPECTED_ATTRIBUTES = {"lang", "charset", "name", "content", "style", "role"}


@nasty
def test_on_a_console(text: str) -> None:
    shown = CONSOLE.text(told_of(text))
    assert [character for character in shown if not character.isprintable() and character != "\n"] == []
    shown.encode()


@nasty
def test_in_json(text: str) -> None:
    happening = with_everything(text)
    written = body(notification(happening), told_of(text))
    assert json.loads(written)["incident"]["key"] == happening.incident.key


@nasty
def test_on_the_page_of_an_incident(text: str) -> None:
    happening = of_everything(text)
    shown = Markup(page(History(happening.incident, (happening, ended(text))), composed(text, happening)))
    assert {tag for tag, _ in shown.tags} <= EXPECTED_TAGS | PAGE_TAGS
    attributes = [one for _, attributes in shown.tags for one in attributes]
    assert {name for name, _ in attributes} <= PAGE_ATTRIBUTES
    assert {"../pages/index.css", "../incidents"} == {value for name, value in attributes if name == "href"}


PAGE_TAGS = {"link", "a", "small", "thead", "th", "pre", "figure", "svg", "rect", "line", "text", "figcaption"}
PAGE_ATTRIBUTES = {"lang", "charset", "name", "content", "rel", "href", "class", "id", "scope", "role", "viewbox"} | {
    "aria-label", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "text-anchor"
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_in_each_kind_of_message(kind: str) -> None:
    layout = TELLS[0]
    for text in NASTY:
        message = composed(text, KINDS[kind](text))
        for payload in (layout.incident(message), layout.step(message), layout.plain(message)):
            assert problems(payload) == []
        html = LETTERS.letter(message, "oncall@example.com", None, NOON).get_body(("html",))
        assert html is not None
        assert {tag for tag, _ in Markup(html.get_content()).tags} <= EXPECTED_TAGS
        assert [one for one in CONSOLE.text(message) if not one.isprintable() and one != "\n"] == []


@nasty
def test_a_value_is_one_short_line_without_anything_invisible(text: str) -> None:
    value = quoted(text)
    assert 1 <= len(value) <= 120
    assert value.isprintable()
    assert clean(value) == value


@pytest.mark.parametrize("text", ["{{ 7*7 }}", "{{ m.key }}", "${7*7}", "#{7*7}", "{% raw %}"])
def test_a_template_instruction_is_shown_as_it_is(text: str) -> None:
    assert text in CONSOLE.text(told_of(text))
