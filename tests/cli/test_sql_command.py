import json
import shutil
from pathlib import Path

import pytest

from tests.cli.running import Ran, log_sentinel
from tests.store.postgres_server import PostgresServer


@pytest.fixture(scope="module")
def folder(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty database, which no question can change."""
    made = tmp_path_factory.mktemp("sql")
    shutil.copy(sqlite_template, made / "x.db")
    return made


def sql(folder: Path, *words: str, stdin: str = "") -> Ran:
    return log_sentinel("sql", *words, "--db", "sqlite:///x.db", folder=folder, stdin=stdin)


def test_a_question_is_answered_in_every_shape(folder: Path) -> None:
    question = "select 1 as n, 'a\x1b' as path, null as gone"

    assert json.loads(sql(folder, question, "--output", "json").out) == [{"n": 1, "path": "a\x1b", "gone": None}]
    assert json.loads(sql(folder, question, "--output", "jsonl").out) == {"n": 1, "path": "a\x1b", "gone": None}
    assert sql(folder, question, "--output", "csv").out == "n,path,gone\n1,a\\x1b,\n"
    assert "a\\x1b" in sql(folder, question).out


def test_a_question_may_come_from_stdin(folder: Path) -> None:
    assert sql(folder, "-", "--output", "csv", stdin="select count(*) as n from denials").out == "n\n0\n"


@pytest.mark.parametrize("view", ["denials_hourly", "top_clients_24h", "denial_ratio_by_route", "open_incidents"])
def test_the_views_for_people_can_be_asked(view: str, folder: Path) -> None:
    assert (sql(folder, f"select * from {view}").code, view) == (0, view)


@pytest.mark.parametrize(
    "question",
    [
        "delete from denials",
        "drop table denials",
        "attach 'evil.db' as evil",
        "vacuum into 'evil.db'",
        "pragma query_only = 0",
        "insert into silences (who) values ('me')",
        "selec 1",
        "select * from none",
        "",
    ],
)
def test_what_is_no_question_is_refused_in_a_sentence(question: str, folder: Path) -> None:
    ran = sql(folder, question)

    assert (ran.code, ran.out) == (1, "")
    assert "Traceback" not in ran.err
    assert ran.err.strip()
    assert not (folder / "evil.db").exists()


def test_a_question_without_end_is_ended(folder: Path) -> None:
    ran = sql(
        folder,
        "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n",
        "--timeout",
        "0.5",
    )

    assert ran.code == 1
    assert "Traceback" not in ran.err


def test_rows_that_were_left_out_are_told_on_stderr(folder: Path) -> None:
    ran = sql(folder, "select 1 as n union all select 2", "--limit", "1", "--output", "csv")

    assert (ran.code, ran.out) == (0, "n\n1\n")
    assert ran.err == "These are the first 1 rows (--limit); there are more.\n"


def test_postgres_without_a_reading_role_is_refused_with_what_makes_one(
    postgres: PostgresServer, postgres_template: str, tmp_path: Path
) -> None:
    ran = log_sentinel("sql", "select 1", "--db", postgres.url(postgres_template), folder=tmp_path)

    assert (ran.code, ran.out) == (78, "")
    assert "readonly_url" in ran.err
    assert "GRANT SELECT" in ran.err
