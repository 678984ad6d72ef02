"""Whatever a log holds, nothing of it takes effect in any message: strings that try, and thousands made up."""

from __future__ import annotations

import email
import email.policy
import json
import os
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from log_sentinel.delivery.console.message import Lines
from log_sentinel.delivery.email.message import Letters
from log_sentinel.delivery.message.composing import Background, compose
from log_sentinel.delivery.message.text import clean, quoted
from log_sentinel.delivery.slack.message import Layout
from log_sentinel.delivery.webhook.message import body
from tests.delivery.happenings import NOON, notification, sample_of, with_everything
from tests.delivery.slack_api import problems

if TYPE_CHECKING:
    from log_sentinel.delivery.message.message import Message

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


def told_of(text: str) -> Message:
    happening = with_everything(text)
    return compose(
        notification(happening), Background(samples=[sample_of(text)] * 4), instance=text or "-", now=happening.at
    )


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
    page = Markup(html)
    assert {tag for tag, _ in page.tags} <= EXPECTED_TAGS
    assert {name for _, attributes in page.tags for name, _ in attributes} <= EXPECTED_ATTRIBUTES
    plain = read.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert not re.search(r"(?i)(?<!\[)(://|www\.|mailto:)", plain + "".join(page.texts))


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
    assert json.loads(written)["incident"]["id"] == 1042


@nasty
def test_a_value_is_one_short_line_without_anything_invisible(text: str) -> None:
    value = quoted(text)
    assert 1 <= len(value) <= 120
    assert value.isprintable()
    assert clean(value) == value


@pytest.mark.parametrize("text", ["{{ 7*7 }}", "{{ m.key }}", "${7*7}", "#{7*7}", "{% raw %}"])
def test_a_template_instruction_is_shown_as_it_is(text: str) -> None:
    assert text in CONSOLE.text(told_of(text))
