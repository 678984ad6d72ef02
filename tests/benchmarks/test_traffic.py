import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.traffic.everyday import everyday
from benchmarks.traffic.nginx_json import DIRECTIVE
from benchmarks.traffic.request import Request
from benchmarks.traffic.truth import Truth
from benchmarks.traffic.writing import LINE, write

LINES = 3_000


def written(path: Path, log_format: str, seed: int = 7, known: float = 0.5) -> Truth:
    return write(path, everyday(LINES, 0.2, seed, known), LINE[log_format])


@pytest.mark.parametrize("log_format", sorted(LINE))
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, log_format: str) -> None:
    written(tmp_path / "one", log_format)
    written(tmp_path / "two", log_format)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("log_format", sorted(LINE))
def test_another_seed_gives_other_bytes(tmp_path: Path, log_format: str) -> None:
    written(tmp_path / "one", log_format, seed=1)
    written(tmp_path / "two", log_format, seed=2)
    assert (tmp_path / "one").read_bytes() != (tmp_path / "two").read_bytes()


def test_the_truth_of_a_combined_log_is_what_can_be_read_back_from_it(tmp_path: Path) -> None:
    truth = written(tmp_path / "access.log", "combined")
    line = re.compile(r'^(\S+) - (\S+) \[(.{17}):\d\d \+0000\] "\S+ (\S+) HTTP/1\.1" (\d{3}) \d+ "[^"]*" "[^"]*"$')
    rows = [line.fullmatch(text) for text in (tmp_path / "access.log").read_text().splitlines()]
    found = [row.groups() for row in rows if row]
    assert len(found) == LINES == truth.lines
    assert (tmp_path / "access.log").stat().st_size == truth.size
    assert Counter(int(status) for *_, status in found) == truth.statuses
    assert {ip for ip, *_ in found} == truth.addresses
    assert {target for _, _, _, target, _ in found} == truth.targets
    denied = [client for _, client, _, _, status in found if status in ("403", "429")]
    assert len(denied) == truth.denied
    assert Counter(client for client in denied if client != "-") == truth.denied_clients


def test_the_truth_of_a_kong_log_is_what_can_be_read_back_from_it(tmp_path: Path) -> None:
    truth = written(tmp_path / "kong.log", "kong")
    entries = [json.loads(line) for line in (tmp_path / "kong.log").read_bytes().splitlines()]
    assert len(entries) == truth.lines
    assert Counter(entry["response"]["status"] for entry in entries) == truth.statuses
    denied = [entry for entry in entries if entry["response"]["status"] in (403, 429)]
    assert Counter(entry["consumer"]["username"] for entry in denied if "consumer" in entry) == truth.denied_clients


def test_kong_names_tries_only_where_the_upstream_answered(tmp_path: Path) -> None:
    written(tmp_path / "kong.log", "kong")
    entries = [json.loads(line) for line in (tmp_path / "kong.log").read_bytes().splitlines()]
    assert {("kong", False, -1), ("upstream", True, 0)} == {
        (entry["source"], "tries" in entry, min(entry["latencies"]["proxy"], 0)) for entry in entries
    }


def test_the_directive_beside_the_json_log_names_the_members_of_its_lines(tmp_path: Path) -> None:
    written(tmp_path / "access.json", "nginx-json")
    entries = [json.loads(line) for line in (tmp_path / "access.json").read_bytes().splitlines()]
    assert {tuple(re.findall(r'"\$(\w+)"', DIRECTIVE))} == {tuple(entry) for entry in entries}


def test_what_is_asked_for_is_roughly_what_is_written(tmp_path: Path) -> None:
    truth = written(tmp_path / "access.log", "combined")
    assert truth.denied / LINES == pytest.approx(0.2, abs=0.02)
    assert truth.size / LINES == pytest.approx(220, abs=10)


def test_a_log_that_could_not_be_finished_does_not_stand_under_its_name(tmp_path: Path) -> None:
    def failing() -> Iterator[Request]:
        yield from everyday(10, 0.1, 1)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "access.log", failing(), LINE["combined"])
    assert not (tmp_path / "access.log").exists()


def test_the_truth_is_saved_as_json(tmp_path: Path) -> None:
    truth = written(tmp_path / "access.log", "combined")
    truth.save(tmp_path / "truth.json")
    saved = json.loads((tmp_path / "truth.json").read_text())
    assert saved["denied"] == truth.denied
    assert sum(count for *_, count in saved["minutes"]) == LINES
