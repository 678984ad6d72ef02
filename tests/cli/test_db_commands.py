import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.running import log_sentinel


def test_tables_are_made_told_and_copied(tmp_path: Path) -> None:
    made = log_sentinel("db", "upgrade", "--db", "sqlite:///x.db", folder=tmp_path)
    again = log_sentinel("db", "upgrade", "--db", "sqlite:///x.db", folder=tmp_path)
    version = log_sentinel("db", "current", "--db", "sqlite:///x.db", folder=tmp_path)
    copied = log_sentinel("db", "backup", "copy.db", "--db", "sqlite:///x.db", folder=tmp_path)

    assert "upgraded through " in made.out
    assert again.out == "sqlite:///x.db: was up to date\n"
    assert (version.code, version.out.strip() in made.out) == (0, True)
    assert copied.out == f"copy.db: {(tmp_path / 'copy.db').stat().st_size} bytes\n"
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("select count(*) from denials").fetchone() == (0,)


def test_a_copy_overwrites_nothing(tmp_path: Path) -> None:
    log_sentinel("db", "upgrade", "--db", "sqlite:///x.db", folder=tmp_path)
    (tmp_path / "copy.db").write_text("precious")

    ran = log_sentinel("db", "backup", "copy.db", "--db", "sqlite:///x.db", folder=tmp_path)

    assert (ran.code, ran.err) == (1, "copy.db: File exists\n")
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_database_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    for words in (["db", "current"], ["incidents", "list"]):
        ran = log_sentinel(*words, "--db", "sqlite:///none.db", folder=tmp_path)
        assert ran.code == 1
        assert ran.err.startswith("sqlite:///none.db: no such file; nothing was stored yet.")
    assert not (tmp_path / "none.db").exists()


def test_tables_of_another_version_are_told_with_code_1(tmp_path: Path) -> None:
    (tmp_path / "x.db").touch()

    ran = log_sentinel("db", "current", "--db", "sqlite:///x.db", folder=tmp_path)

    assert (ran.code, ran.out) == (1, "no tables (run `log-sentinel db upgrade`)\n")


def test_a_server_that_is_down_is_to_be_tried_again_later(tmp_path: Path) -> None:
    ran = log_sentinel("db", "current", "--db", "postgresql://me:canary-pass@127.0.0.1:1/x", folder=tmp_path)

    assert ran.code == 75
    assert ran.err.startswith("postgresql+psycopg://me:***@127.0.0.1:1/x: ")
    assert len(ran.err.splitlines()) == 1
    assert "canary-pass" not in ran.err


def test_a_file_that_is_no_database_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("this is a text and no database" * 100)

    ran = log_sentinel("db", "current", "--db", "sqlite:///x.db", folder=tmp_path)

    assert ran.code == 1
    assert "not an SQLite database" in ran.err
    assert "Traceback" not in ran.err
