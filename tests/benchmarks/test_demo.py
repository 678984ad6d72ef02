import json
import re
import subprocess
import sys
from collections import Counter
from itertools import islice, pairwise
from pathlib import Path

import pytest

from benchmarks.demo import watching
from benchmarks.demo.__main__ import PACE, event_time, live_from
from benchmarks.demo.disturbances import LASTS, disturbances
from benchmarks.demo.playing import Playing
from benchmarks.demo.world import DAY, World
from benchmarks.traffic.request import Request
from log_sentinel.config.load import load
from log_sentinel.daemon.settings import Settings

WORLD = World(seed=1)
LIVE_FROM = 1_793_527_200  # 2026-11-01 10:00 UTC
HALF_HOUR = 1_800


def play(folder: Path, *moments: float, history: int = 0) -> Playing:
    folder.mkdir(exist_ok=True)
    playing = Playing(folder, WORLD, LIVE_FROM)
    playing.write_history(history)
    for moment in moments:
        playing.play_until(LIVE_FROM + moment)
    playing.close()
    return playing


def denials(kind: str) -> list[Request]:
    disturbance = next(candidate for candidate in disturbances(WORLD, LIVE_FROM) if candidate.kind == kind)
    return disturbance.requests(WORLD, disturbance.starts)


def test_the_same_seed_writes_the_same_logs_however_often_it_is_looked_at(tmp_path: Path) -> None:
    once = play(tmp_path / "once", HALF_HOUR, history=3_600)
    often = play(tmp_path / "often", *(step * 7.3 for step in range(246)), HALF_HOUR, history=3_600)
    assert [path.read_bytes() for path in once.paths.values()] == [path.read_bytes() for path in often.paths.values()]


def test_what_the_demo_says_it_wrote_is_in_the_logs(tmp_path: Path) -> None:
    playing = play(tmp_path, HALF_HOUR, history=3_600)
    statuses = re.findall(r'" (\d{3}) ', playing.paths["edge"].read_text())
    assert Counter(map(int, statuses)) == playing.written["edge"].statuses
    entries = [json.loads(line) for line in playing.paths["kong"].read_bytes().splitlines()]
    assert Counter(entry["response"]["status"] for entry in entries) == playing.written["kong"].statuses


def test_a_log_is_in_the_order_of_its_requests_ends(tmp_path: Path) -> None:
    playing = play(tmp_path, 300, history=600)
    times = re.findall(r":(\d\d:\d\d:\d\d) \+0000", playing.paths["edge"].read_text())
    assert sorted(times) == times


def test_nothing_is_written_ahead_of_its_time(tmp_path: Path) -> None:
    playing = play(tmp_path, 90)
    assert max(re.findall(r":(\d\d:\d\d:\d\d) \+0000", playing.paths["edge"].read_text())) <= "10:01:29"


def test_a_client_an_address_and_a_route_are_disturbed_within_the_first_minute_of_the_clock() -> None:
    opening = list(islice(disturbances(WORLD, LIVE_FROM), 3))
    assert [disturbance.kind for disturbance in opening] == ["client", "ip", "route"]
    assert all(disturbance.ends <= LIVE_FROM + 60 * PACE for disturbance in opening)


def test_disturbances_go_on_with_other_actors() -> None:
    later = list(islice(disturbances(WORLD, LIVE_FROM), 30))
    assert list(range(30)) == [disturbance.turn for disturbance in later]
    for kind in ("client", "ip", "route"):
        actors = [disturbance.actor for disturbance in later if disturbance.kind == kind]
        assert all(one != other for one, other in pairwise(actors))


def test_a_disturbance_ends() -> None:
    disturbance = next(disturbances(WORLD, LIVE_FROM))
    assert disturbance.requests(WORLD, disturbance.starts - 60) == []
    assert disturbance.requests(WORLD, disturbance.starts + LASTS - 60) != []
    assert disturbance.requests(WORLD, disturbance.starts + LASTS) == []


def test_a_client_spike_is_one_client_over_many_addresses_and_routes() -> None:
    spike = denials("client")
    assert {(429, spike[0].client)} == {(request.status, request.client) for request in spike}
    assert len({request.ip for request in spike}) > 10
    assert len({request.route for request in spike}) > 5


def test_a_scanner_is_one_address_without_a_client_at_many_doors() -> None:
    scan = denials("ip")
    assert {(403, None, scan[0].ip)} == {(request.status, request.client, request.ip) for request in scan}
    assert len(scan) == len({request.target for request in scan})


def test_a_broken_route_is_one_route_for_many_clients_and_addresses() -> None:
    broken = denials("route")
    assert {(403, broken[0].route)} == {(request.status, request.route) for request in broken}
    assert len({request.client for request in broken}) > 30
    assert len({request.ip for request in broken}) > 50


def test_the_logs_are_rotated_at_midnight(tmp_path: Path) -> None:
    evening = Playing(tmp_path, WORLD, LIVE_FROM // DAY * DAY + DAY - 120)
    evening.play_until(LIVE_FROM // DAY * DAY + DAY + 60)
    evening.close()
    assert "01/Nov/2026:23:59" in (tmp_path / "nginx-access.log.1").read_text()
    assert "02/Nov/2026:00:00" in (tmp_path / "nginx-access.log").read_text()
    assert "02/Nov/2026" not in (tmp_path / "nginx-access.log.1").read_text()


def test_event_time_runs_at_its_pace_until_it_has_caught_up_with_the_clock() -> None:
    now = float(LIVE_FROM + 14 * DAY)
    start = live_from(now)
    assert start + 60 * PACE == event_time(start, 60, now + 60)
    assert now + 30 * DAY == event_time(start, 30 * DAY, now + 30 * DAY)


@pytest.mark.parametrize("hour", [0, 9, 10, 23])
def test_event_time_needs_half_a_day_at_least_to_catch_up(hour: int) -> None:
    now = LIVE_FROM // DAY * DAY + hour * 3600
    half_a_day = DAY / 2
    assert event_time(live_from(now), half_a_day, now + half_a_day) < now + half_a_day


def test_a_rehearsal_says_what_it_wrote(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "benchmarks.demo", "--dry-run", "60", "--history", "3600", "--folder", tmp_path],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    written = (tmp_path / "nginx-access.log").read_bytes()
    lines = written.count(b"\n")
    assert f"nginx-access.log: {lines:,} lines, {len(written):,} bytes" in said
    assert re.findall(r"UTC: (client|ip|route) ", said) == ["client", "ip", "route"]


def test_the_daemon_takes_the_demos_settings(tmp_path: Path) -> None:
    settings = watching.write_settings(tmp_path, tmp_path / "access.log", tmp_path / "kong.log", port=9877)
    loaded = load(Settings, settings, {}).settings
    starts = {name: source.start for name, source in loaded.sources.items() if source.type == "file"}
    assert {"edge": "beginning", "kong": "beginning"} == starts
    assert loaded.database.url.get_secret_value() == watching.database_url(tmp_path)
