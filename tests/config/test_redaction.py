import pytest

from log_sentinel.config.redaction import Redaction


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("token xoxb-12345678-abcdef refused", "token *** refused"),
        ("xapp-1-A012345-6789", "***"),
        ("POST https://hooks.slack.com/services/T0/B0/abc failed", "POST https://hooks.slack.com/*** failed"),
        ("postgresql+psycopg://me:hunter2@db:5432/x", "postgresql+psycopg://me:***@db:5432/x"),
        ("postgresql://me:p@ss@db/x", "postgresql://me:***@db/x"),
        ("Authorization: Bearer abcdefgh.ijkl", "Authorization: Bearer ***"),
        ("host=db password=hunter2 user=me", "host=db password=*** user=me"),
        ("host=db password='hunter 2' user=me", "host=db password=*** user=me"),
        ("GET https://example.com/a:b@c", "GET https://example.com/a:b@c"),
        ("a bearer of news", "a bearer of news"),
    ],
)
def test_what_has_the_shape_of_a_secret_is_masked(text: str, masked: str) -> None:
    assert Redaction()(text) == masked


def test_known_secrets_are_masked_wherever_they_stand_the_longer_first() -> None:
    redact = Redaction(["canary", "canary-and-more"])

    assert redact("a canary-and-more, a canary; acanary.") == "a ***, a ***; a***."


def test_a_secret_of_a_few_letters_does_not_blank_out_ordinary_words() -> None:
    assert Redaction(["a", ""])("a database") == "a database"
