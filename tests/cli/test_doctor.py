import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from log_sentinel.daemon.settings import Settings
from log_sentinel.model.lines import GenerationState
from log_sentinel.store.engine import open_database
from log_sentinel.store.generations import StoredCheckpoints
from log_sentinel.store.settings import DatabaseSettings
from log_sentinel.web.health import Health, Part, State
from tests.cli.running import log_sentinel
from tests.web.asking import served

NOW = datetime.now(UTC)


def lines(at: datetime, address: str, n: int) -> str:
    return f'{address} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET /a HTTP/1.1" 403 153 "-" "curl/8"\n' * n


def ingested(folder: Path, **logs: str) -> None:
    """A settings file with a source for each of `logs`, and their lines in the database."""
    sources = "".join(f'[sources.{name}]\npath = "{folder}/{name}.log"\nformat = "nginx-combined"\n' for name in logs)
    (folder / "log-sentinel.toml").write_text(f'[database]\nurl = "sqlite:///{folder}/x.db"\n{sources}')
    for name, text in logs.items():
        (folder / f"{name}.log").write_text(text)
    ran = log_sentinel("ingest", *(folder / f"{name}.log" for name in logs), folder=folder)
    assert ran.code == 0, ran.err


def findings(folder: Path, **environ: str) -> dict[str, list[tuple[str, str, str]]]:
    ran = log_sentinel("doctor", "--output", "json", folder=folder, **environ)
    found: dict[str, list[tuple[str, str, str]]] = {}
    for row in json.loads(ran.out):
        found.setdefault(row["what"], []).append((row["state"], row["says"], row["todo"]))
    wrong = any(state == "wrong" for rows in found.values() for state, _, _ in rows)
    assert ran.code == (1 if wrong else 0)
    return found


def test_a_well_deployment_is_fine_in_every_part(tmp_path: Path) -> None:
    ingested(tmp_path, edge=lines(NOW, "8.8.8.8", 5))

    with served(Health((Part("job detection", State.OK),))) as serving:
        found = findings(tmp_path, LOG_SENTINEL__WEB__LISTEN=f"127.0.0.1:{serving.port}")

    assert found["daemon"] == [("fine", f"answers at 127.0.0.1:{serving.port}: ok", "")]
    assert found["job detection"][0][0] == "fine"
    assert "5 denials of 5 requests" in found["database"][-1][1]
    assert all(state == "fine" for state, _, _ in found["source edge"])
    size = (tmp_path / "edge.log").stat().st_size
    assert ("fine", f"{tmp_path}/edge.log: {size} of {size} bytes are stored", "") in found["source edge"]


def test_what_the_daemon_says_of_its_parts_is_on_the_page(tmp_path: Path) -> None:
    ingested(tmp_path, edge=lines(NOW, "8.8.8.8", 5))

    with served(Health((Part("channel ops", State.FAILING, "invalid_auth", "Set the token anew."),))) as serving:
        found = findings(tmp_path, LOG_SENTINEL__WEB__LISTEN=f"127.0.0.1:{serving.port}")

    assert found["channel ops"] == [("wrong", "invalid_auth", "Set the token anew.")]


def test_the_stored_is_told_even_when_no_daemon_runs(tmp_path: Path) -> None:
    ingested(tmp_path, edge=lines(NOW, "8.8.8.8", 5))

    found = findings(tmp_path, LOG_SENTINEL__WEB__LISTEN="127.0.0.1:1")

    assert found["daemon"][0][0] == "wrong"
    assert found["daemon"][0][2] == "Start it: log-sentinel run"
    assert "5 denials" in found["database"][-1][1]


def test_the_daemon_is_told_even_when_there_is_no_database(tmp_path: Path) -> None:
    with served() as serving:
        found = findings(tmp_path, LOG_SENTINEL__WEB__LISTEN=f"127.0.0.1:{serving.port}")

    assert found["daemon"][0][0] == "fine"
    assert found["database"][-1][0] == "wrong"


@pytest.mark.parametrize(("address", "seen"), [("10.0.0.7", True), ("8.8.8.8", False)])
def test_one_private_address_behind_most_denials_is_a_proxy(address: str, seen: bool, tmp_path: Path) -> None:
    ingested(tmp_path, edge=lines(NOW, address, 90) + lines(NOW, "9.9.9.9", 30))

    found = findings(tmp_path)

    assert ("addresses" in found) is seen
    if seen:
        assert found["addresses"][0][1] == (
            "10.0.0.7, which is no address of the Internet, has 90 of 120 denials: you are seeing your proxy"
        )


def test_a_source_that_is_silent_while_others_go_on_is_told(tmp_path: Path) -> None:
    ingested(tmp_path, edge=lines(NOW, "8.8.8.8", 5), inner=lines(NOW - timedelta(hours=2), "8.8.8.8", 5))

    found = findings(tmp_path)

    assert {state for state, _, _ in found["source edge"]} == {"fine"}
    assert found["source inner"][-1][0] == "wrong"
    assert "while other sources went on" in found["source inner"][-1][1]


def test_a_clock_that_is_ahead_is_told(tmp_path: Path) -> None:
    ingested(tmp_path, edge=lines(NOW + timedelta(hours=3), "8.8.8.8", 5))

    assert findings(tmp_path)["clock"][0][0] == "wrong"


def test_bytes_that_were_lost_are_told(tmp_path: Path) -> None:
    ingested(tmp_path, edge=lines(NOW, "8.8.8.8", 5))
    database = open_database(DatabaseSettings(url=SecretStr(f"sqlite:///{tmp_path}/x.db")))
    checkpoints = StoredCheckpoints(database, Settings().instance)
    [read] = checkpoints.known("edge")
    checkpoints.mark(replace(read, state=GenerationState.GAP, size_seen=read.offset + 1000))
    database.close()

    found = findings(tmp_path)

    lost = f"{tmp_path}/edge.log: 1000 bytes were gone before they could be read"
    assert lost in [says for state, says, _ in found["source edge"] if state == "wrong"]
