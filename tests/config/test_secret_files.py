from pathlib import Path

import pytest

from tests.config.example import Chat, Mail, loaded, mistakes, write

CHAT = '[channels.ops]\ntype = "chat"\n'


def token(chat: object) -> str:
    assert isinstance(chat, Chat)
    assert chat.token is not None
    return chat.token.get_secret_value()


@pytest.mark.parametrize("content", ["canary-1234", "canary-1234\n", "canary-1234\r\n"])
def test_a_secret_is_read_from_the_file_its_key_names(tmp_path: Path, content: str) -> None:
    (tmp_path / "slack").write_bytes(content.encode())
    path = write(tmp_path, f'{CHAT}token_file = "{tmp_path}/slack"')

    found = loaded(path)

    assert token(found.settings.channels["ops"]) == "canary-1234"
    assert found.secrets == {"canary-1234"}
    assert found.origins["channels.ops.token"] == f"{path}, token_file"


def test_a_relative_name_is_meant_from_beside_its_settings_file(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "slack").write_text("canary-1234")
    path = write(tmp_path, "")
    write(tmp_path, f'{CHAT}token_file = "slack"', "conf.d/1.toml")

    assert token(loaded(path).settings.channels["ops"]) == "canary-1234"


def test_a_variable_may_name_the_file_too(tmp_path: Path) -> None:
    (tmp_path / "slack").write_text("canary-1234")
    path = write(tmp_path, CHAT)

    found = loaded(path, LOG_SENTINEL__CHANNELS__OPS__TOKEN_FILE=str(tmp_path / "slack"))

    assert token(found.settings.channels["ops"]) == "canary-1234"


def test_every_secret_has_its_file_also_those_in_tables(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("canary-1234")
    path = write(tmp_path, f'{CHAT}headers = {{ X-Key_file = "{tmp_path}/key", X-Plain = "canary-5678" }}')

    chat = loaded(path).settings.channels["ops"]

    assert isinstance(chat, Chat)
    assert {name: value.get_secret_value() for name, value in chat.headers.items()} == {
        "X-Key": "canary-1234",
        "X-Plain": "canary-5678",
    }


def test_what_is_no_secret_has_no_file(tmp_path: Path) -> None:
    path = write(tmp_path, f'{CHAT}room_file = "/etc/hostname"')

    assert mistakes(path) == [f'{path}, channels.ops.room_file: unknown key. Did you mean "token_file"?']


def test_a_secret_and_its_file_are_one_too_many(tmp_path: Path) -> None:
    path = write(tmp_path, f'{CHAT}token = "canary-1234"')

    assert mistakes(path, LOG_SENTINEL__CHANNELS__OPS__TOKEN_FILE="/x") == [
        (
            f"LOG_SENTINEL__CHANNELS__OPS__TOKEN_FILE, channels.ops.token_file: token is set too in {path}; "
            "only one of the two may be."
        )
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty; it must hold the secret alone."),
        (b"\n", "is empty; it must hold the secret alone."),
        (b"\xff\xfe", "is not text; it must hold the secret alone, as UTF-8."),
        (b"x" * 70_000, "is larger than 65536 bytes; it must hold the secret alone."),
    ],
)
def test_a_file_that_holds_no_secret_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "slack").write_bytes(content)
    path = write(tmp_path, f'{CHAT}token_file = "slack"')

    assert mistakes(path) == [f"{path}, channels.ops.token_file: {tmp_path}/slack {said}"]


def test_a_file_that_cannot_be_read_is_told_once_and_not_as_a_missing_secret_as_well(tmp_path: Path) -> None:
    path = write(tmp_path, f'{CHAT}token_file = "{tmp_path}"')

    assert mistakes(path) == [
        (
            f"{path}, channels.ops.token_file: {tmp_path} cannot be read (Is a directory); "
            "the file must exist and be readable for this user."
        )
    ]


def test_a_relative_name_is_looked_for_among_systemds_credentials_first(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "slack").write_text("canary-credential\n")
    (tmp_path / "slack").write_text("canary-beside")
    path = write(tmp_path, f'{CHAT}token_file = "slack"')

    found = loaded(path, CREDENTIALS_DIRECTORY=str(credentials))

    assert token(found.settings.channels["ops"]) == "canary-credential"


def test_a_credential_called_like_a_setting_is_that_setting(tmp_path: Path) -> None:
    (tmp_path / "channels.m.password").write_text("canary-1234\n")
    (tmp_path / "channels.m.host").write_text("no secret, so not ours")
    (tmp_path / "something.else").write_text("another program's")
    path = write(tmp_path, '[channels.m]\ntype = "mail"\nhost = "h"')

    found = loaded(path, CREDENTIALS_DIRECTORY=str(tmp_path))

    mail = found.settings.channels["m"]
    assert isinstance(mail, Mail)
    assert mail.password is not None
    assert mail.password.get_secret_value() == "canary-1234"
    assert mail.host == "h"
    assert found.origins["channels.m.password"] == "$CREDENTIALS_DIRECTORY/channels.m.password"


def test_a_credential_and_the_setting_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "channels.ops.token").write_text("canary-1234")
    path = write(tmp_path, f'{CHAT}token = "canary-5678"')

    [said] = mistakes(path, CREDENTIALS_DIRECTORY=str(tmp_path))

    assert said == (
        f"$CREDENTIALS_DIRECTORY/channels.ops.token: channels.ops.token is set too in {path}; "
        "only one of the two may be."
    )


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("postgresql+psycopg://me:p%40ss-word@db/x", {"p%40ss-word", "p@ss-word"}),
        ("postgresql://db/x?user=me&password=p%40ss-word", {"p@ss-word"}),
        ("postgresql://me:what?@db/x", {"what?"}),
        ("postgresql://me@db:5432/x", set()),
        ("sqlite:////var/lib/x.db", set()),
    ],
)
def test_of_a_database_url_the_password_is_the_secret(url: str, secrets: set[str]) -> None:
    assert loaded(None, LOG_SENTINEL__DATABASE__URL=url).secrets == secrets
