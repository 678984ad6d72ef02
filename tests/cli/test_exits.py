from importlib import import_module

import pytest

from log_sentinel.cli import exits
from log_sentinel.config.load import BadSettings, Mistake


@pytest.mark.parametrize("name", exits.CODES)
def test_every_exception_of_the_table_exists(name: str) -> None:
    module, _, kind = name.rpartition(".")

    assert issubclass(getattr(import_module(module), kind), Exception)


def test_bad_settings_are_told_as_they_are() -> None:
    bad = BadSettings([Mistake("x.toml", "web.listen", 'got "9"', "an address")])

    assert exits.told(bad) == ('x.toml, web.listen: got "9"; an address.', 78)


def test_a_failure_may_name_its_own_code() -> None:
    assert exits.told(exits.Failed("not now", exits.TRY_AGAIN_LATER)) == ("not now", 75)


def test_the_system_speaks_with_the_name_of_the_file() -> None:
    with pytest.raises(OSError, match="nowhere") as raised:
        open("/nowhere/x")  # noqa: PTH123, SIM115

    assert exits.told(raised.value) == ("/nowhere/x: No such file or directory", 1)


def test_an_error_of_ours_comes_with_its_traceback_and_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exits, "_secrets", set())
    exits.keep_secret(["canary-1234"])

    def lose() -> None:
        raise RuntimeError("lost canary-1234 and xoxb-1234567890\x1b")

    with pytest.raises(RuntimeError) as raised:
        lose()
    message, code = exits.told(raised.value)

    assert code == 1
    assert "test_exits.py" in message
    assert "RuntimeError: lost *** and ***\\x1b" in message
    assert message.endswith("This is a mistake in log-sentinel itself; please report it.")


def test_a_fault_of_the_system_without_a_file_is_ours_to_explain() -> None:
    message, code = exits.told(OSError(9, "Bad file descriptor"))

    assert code == 1
    assert "please report it" in message
