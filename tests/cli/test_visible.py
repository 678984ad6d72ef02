import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_sentinel.cli.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/plain path?a=b", "/plain path?a=b"),
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\r\nb\tc", "a\\x0d\\x0ab\\x09c"),
        ("user\u202egpj.exe", "user\\u202egpj.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("line\u2028separator", "line\\u2028separator"),
        ("half\ud800", "half\\ud800"),
        ("Grüße, 世界, 🦊", "Grüße, 世界, 🦊"),
    ],
)
def test_what_acts_on_a_terminal_is_written_out_and_the_rest_stays(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_our_own_newlines_may_stay() -> None:
    assert visible("one\ntwo\x1b", lines=True) == "one\ntwo\\x1b"


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_nothing_that_is_left_is_a_control(text: str) -> None:
    categories = {unicodedata.category(character) for character in visible(text)}

    assert not categories & {"Cc", "Cs", "Zl", "Zp"}
