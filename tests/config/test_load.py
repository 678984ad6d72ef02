from pathlib import Path

import pytest

from log_sentinel.config.load import load
from tests.config.example import Chat, Example, Mail, loaded, mistakes, write


def test_without_any_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    found = loaded(None)

    assert (found.settings, found.files, found.folder) == (Example(), (), Path())


def test_the_file_is_the_named_one_then_the_variables_then_the_one_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named = write(tmp_path, 'name = "named"')
    variable = write(tmp_path, 'name = "variable"', "variable.toml")
    write(tmp_path, 'name = "here"', "log-sentinel.toml")

    assert loaded(named, LOG_SENTINEL_CONFIG=str(variable)).settings.name == "named"
    assert loaded(None, LOG_SENTINEL_CONFIG=str(variable)).settings.name == "variable"
    assert loaded(None).files == (Path("log-sentinel.toml"),)


def test_a_named_file_that_is_missing_is_an_error_and_never_the_defaults(tmp_path: Path) -> None:
    missing = tmp_path / "none.toml"

    assert mistakes(missing) == mistakes(None, LOG_SENTINEL_CONFIG=str(missing))
    assert mistakes(missing) == [f"{missing}: no such file; `log-sentinel config sample` prints one to begin with."]


def test_a_folder_in_place_of_a_file_is_said(tmp_path: Path) -> None:
    assert mistakes(tmp_path) == [f"{tmp_path}: cannot be read: Is a directory."]


def test_drop_ins_are_merged_in_the_order_of_their_names(tmp_path: Path) -> None:
    main = write(tmp_path, 'name = "main"\n[channels.ops]\ntype = "chat"\nroom = "a"\n[watches.w]\npath = "x"')
    write(tmp_path, '[channels.ops]\nroom = "c"', "conf.d/20-room.toml")
    write(tmp_path, 'name = "drop-in"\n[channels.ops]\nroom = "b"\n[watches.v]\npath = "y"', "conf.d/10-first.toml")
    write(tmp_path, 'name = "not TOML by its name"', "conf.d/30-off.toml.disabled")

    found = loaded(main)

    assert found.settings.name == "drop-in"
    assert found.settings.channels["ops"] == Chat(room="c")
    assert set(found.settings.watches) == {"w", "v"}
    assert [path.name for path in found.files] == ["example.toml", "10-first.toml", "20-room.toml"]


def test_lists_are_replaced_as_a_whole(tmp_path: Path) -> None:
    main = write(tmp_path, '[[routing]]\nto = ["a"]\n[[routing]]\nto = ["b"]')
    write(tmp_path, '[[routing]]\nto = ["c"]', "conf.d/1.toml")

    assert [route.to for route in loaded(main).settings.routing] == [["c"]]


def test_mistakes_of_all_files_come_at_once_each_with_its_file(tmp_path: Path) -> None:
    main = write(tmp_path, 'nam = "x"\n[channels.m]\ntype = "mail"\nport = "many"')
    drop_in = write(tmp_path, "[watches.w]\nevery = 5", "conf.d/1.toml")

    assert sorted(mistakes(main, LOG_SENTINEL__CHANNELS__M__VERIFY="perhaps")) == sorted(
        [
            f'{main}, nam: unknown key. Did you mean "name"?',
            f"{main}, channels.m.host: missing; it must be set.",
            f'{main}, channels.m.port: got "many"; a whole number.',
            f"{drop_in}, watches.w.path: missing; it must be set.",
            (
                f"{drop_in}, watches.w.every: got 5; a duration is a number and a unit (ms, s, m, h, d, w), "
                'as in "10s", "5m", "24h" or "90d".'
            ),
            'LOG_SENTINEL__CHANNELS__M__VERIFY, channels.m.verify: got "perhaps"; true or false.',
        ]
    )


def test_every_file_that_is_not_toml_is_told_with_its_line(tmp_path: Path) -> None:
    main = write(tmp_path, 'name = "x"\nname')
    drop_in = write(tmp_path, "[watches", "conf.d/1.toml")
    latin = tmp_path / "conf.d" / "2.toml"
    latin.write_bytes(b'# fine\nname = "M\xfcller"\n')

    found = mistakes(main)

    assert found[0].startswith(f"{main}, at its end: not TOML: expected '=' after a key")
    assert found[1].startswith(f"{drop_in}, at its end: not TOML: expected ']'")
    assert found[2] == f"{latin}, line 2: byte 0xfc is not UTF-8; save it as UTF-8."
    assert len(found) == 3


def test_a_file_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "name = " + "[" * 100_000)

    assert len(mistakes(path)) == 1
    assert "not TOML" in mistakes(path)[0]


def test_options_of_the_command_line_win_over_everything(tmp_path: Path) -> None:
    path = write(tmp_path, '[database]\nurl = "sqlite:///file.db"')
    found = load(
        Example,
        path,
        {"LOG_SENTINEL__DATABASE__URL": "sqlite:///variable.db"},
        {"database.url": ("--db", "sqlite:///option.db")},
    )

    assert found.settings.database.url.get_secret_value() == "sqlite:///option.db"
    assert found.origins["database.url"] == "--db"


def test_of_every_value_it_is_known_where_it_is_from(tmp_path: Path) -> None:
    main = write(tmp_path, 'name = "main"\n[channels.ops]\ntype = "mail"\nhost = "a"\nport = 1')
    drop_in = write(tmp_path, "[channels.ops]\nport = 2", "conf.d/1.toml")

    origins = loaded(main, LOG_SENTINEL__CHANNELS__OPS__HOST="b").origins

    assert origins["name"] == str(main)
    assert origins["channels.ops.port"] == str(drop_in)
    assert origins["channels.ops.host"] == "LOG_SENTINEL__CHANNELS__OPS__HOST"
    assert "channels.ops.verify" not in origins


def test_a_later_layer_may_change_what_a_channel_is(tmp_path: Path) -> None:
    main = write(tmp_path, '[channels.ops]\ntype = "chat"')
    write(tmp_path, '[channels.ops]\ntype = "mail"\nhost = "a"', "conf.d/1.toml")

    assert loaded(main).settings.channels["ops"] == Mail(host="a")
