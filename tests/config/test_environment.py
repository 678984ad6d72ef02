import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.example import Example, Mail, loaded, mistakes, write


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, 'name = "file"')

    assert loaded(path, LOG_SENTINEL__NAME="variable").settings.name == "variable"


@pytest.mark.parametrize(
    ("text", "value"),
    [("2525", 2525), (" 2525 ", 2525), ('"2525"', 2525)],
)
def test_a_number_is_read_as_toml(text: str, value: int) -> None:
    found = loaded(
        None,
        LOG_SENTINEL__CHANNELS__M__TYPE="mail",
        LOG_SENTINEL__CHANNELS__M__HOST="h",
        LOG_SENTINEL__CHANNELS__M__PORT=text,
    )

    assert found.settings.channels["m"] == Mail(host="h", port=value)


def test_lists_tables_and_truths_are_read_as_toml() -> None:
    found = loaded(
        None,
        LOG_SENTINEL__CHANNELS__M__TYPE="mail",
        LOG_SENTINEL__CHANNELS__M__HOST="h",
        LOG_SENTINEL__CHANNELS__M__VERIFY="false",
        LOG_SENTINEL__CHANNELS__M__TO='["a@x", "b@x"]',
        LOG_SENTINEL__ROUTING='[{ match = { severity = "critical" }, to = ["m"] }]',
    )

    assert found.settings.channels["m"] == Mail(host="h", verify=False, to=("a@x", "b@x"))
    assert found.settings.routing[0].match == {"severity": "critical"}


def test_a_list_that_is_none_is_said() -> None:
    found = mistakes(
        None,
        LOG_SENTINEL__CHANNELS__M__TYPE="mail",
        LOG_SENTINEL__CHANNELS__M__HOST="h",
        LOG_SENTINEL__CHANNELS__M__TO="a@x,b@x",
    )

    assert found == ['LOG_SENTINEL__CHANNELS__M__TO, channels.m.to: got "a@x,b@x"; a list, as in ["a", "b"].']


@given(st.text(alphabet=string.printable))
def test_text_stays_as_it_stands_whatever_it_looks_like(text: str) -> None:
    found = loaded(None, LOG_SENTINEL__WATCHES__W__PATH="x", LOG_SENTINEL__WATCHES__W__LOG_FORMAT=text)

    assert found.settings.watches["w"].log_format == text


def test_keys_are_found_whatever_their_case_and_dashes(tmp_path: Path) -> None:
    path = write(tmp_path, '[watches.On-Call]\npath = "file"')

    assert (
        str(loaded(path, LOG_SENTINEL__WATCHES__ON_CALL__PATH="variable").settings.watches["On-Call"].path)
        == "variable"
    )


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("LOG_SENTINEL__NAM", 'there is no setting nam. Did you mean "LOG_SENTINEL__NAME"?'),
        (
            "LOG_SENTINEL__DATABASE__URI",
            'there is no setting database.uri. Did you mean "LOG_SENTINEL__DATABASE__URL"?',
        ),
        ("LOG_SENTINEL__DATABASE__COLOUR", "there is no setting database.colour; here are url."),
        ("LOG_SENTINEL__", "there is no setting ; here are channels, database, name, routing, watches."),
        ("LOG_SENTINEL__NAME__X", "got a table; text in quotes."),
    ],
)
def test_a_variable_that_sets_nothing_is_refused(variable: str, said: str) -> None:
    found = mistakes(None, **{variable: "x"})

    assert found[0].removeprefix(variable).removeprefix(", name").removeprefix(": ") == said
    assert len(found) == 1


def test_variables_of_others_are_left_alone() -> None:
    assert loaded(None, LOG_SENTINEL_HOME="/x", LOG_SENTINELS__NAME="y", PATH="/bin").settings == Example()
