from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from log_sentinel.content import shipped
from log_sentinel.diagnosis.verdict import judge
from log_sentinel.model.finding import Cause, DeniedBy
from log_sentinel.parsing.definitions import BadDefinition, load, load_folders, parsed
from log_sentinel.parsing.samples import prove

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = load_folders([shipped("parsers")])
GOOD = (shipped("parsers") / "nginx-combined.toml").read_text()


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_definition_proves_its_samples(name: str) -> None:
    assert prove(SHIPPED[name], judge) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_definition_is_named_like_its_file(name: str) -> None:
    assert (shipped("parsers") / f"{name}.toml").is_file()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_status_alone_says_what_it_says_and_never_who_said_it(name: str) -> None:
    says = {"429": Cause.RATE_LIMIT, "401": Cause.AUTHENTICATION}

    for rule in SHIPPED[name].verdicts:
        if set(rule.when) == {"status"}:
            (status,) = rule.when["status"].any_of
            assert (rule.denied_by, rule.cause) == (DeniedBy.UNKNOWN, says[status]), rule.name


def mistakes(text: str) -> list[str]:
    with pytest.raises(BadDefinition) as refused:
        parsed(text.encode(), "parsers/acme.toml")
    return str(refused.value).splitlines()


def test_every_mistake_is_named_at_once() -> None:
    text = GOOD.replace('gateway = "nginx"', 'gatway = "nginx"').replace("confidence = 0.99", "confidence = 3", 1)

    assert mistakes(text) == [
        "parsers/acme.toml, gateway: not given; a definition needs it.",
        "parsers/acme.toml, verdict 1, confidence: got 3; allowed is input should be less than or equal to 1.",
        'parsers/acme.toml, gatway: not a key of a definition. Did you mean "gateway"?',
    ]


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('kind = "text"', 'kind = "txt"', "kind: got 'txt'; allowed is 'text', 'json' or 'regex'."),
        (
            'kind = "text"',
            'kind = "text"\ncolumns = { agent = "http_user_agent" }',
            'columns: got "agent"; one of',
        ),
        ("rejected = true", "rejected = false", "sample 8: a sample has either an event or rejected = true."),
        ("$remote_addr", "", "log_format:"),
        (
            'kind = "text"',
            'kind = "text"\nzone = "Mars/Base"',
            'zone: a time zone is a name like "UTC" or "Europe/Berlin".',
        ),
        ("kind", "= broken", "not TOML:"),
    ],
)
def test_a_mistake_says_what_is_allowed(old: str, new: str, mistake: str) -> None:
    text = GOOD.replace(old, new, 1) if old != "$remote_addr" else GOOD.replace("$", "")

    assert any(mistake in each for each in mistakes(text)), mistakes(text)


def test_a_definition_without_samples_is_refused() -> None:
    assert mistakes(GOOD[: GOOD.index("[[sample]]")]) == [
        (
            "parsers/acme.toml, sample: none of kind allowed, denied, hostile; a definition has an allowed, a denied"
            " and a hostile line. Add a [[sample]] with a real line and a few columns of its event."
        )
    ]


def test_a_definition_has_the_verdicts_of_a_shipped_one_behind_its_own() -> None:
    shipped_one = load(shipped("parsers") / "nginx-combined.toml")
    own = GOOD[: GOOD.index("[[verdict]]")] + 'verdicts_of = "nginx-combined"\n\n' + GOOD[GOOD.index("[[sample]]") :]

    assert parsed(own.encode(), "x").verdicts == shipped_one.verdicts
    assert parsed(own.encode(), "x").rules_version == shipped_one.rules_version
    assert mistakes(own.replace('of = "nginx-combined"', 'of = "nginx-conbined"')) == [
        (
            'parsers/acme.toml, verdicts_of: got "nginx-conbined"; it names a shipped format with rules. '
            'Did you mean "nginx-combined"?'
        )
    ]


def test_a_sample_that_reads_otherwise_is_told() -> None:
    definition = parsed(GOOD.replace("response_bytes = 512", "response_bytes = 513").encode(), "x")

    assert prove(definition) == ["sample 1, event.response_bytes: got 512; 513 is expected."]


def test_a_name_given_twice_is_refused(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(GOOD)

    with pytest.raises(BadDefinition, match=r'name: got "nginx-combined", which .*a\.toml has\. Give it another name.'):
        load_folders([tmp_path])
