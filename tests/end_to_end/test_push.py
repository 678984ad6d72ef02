"""Kong's http-log, posted over real HTTP to the running daemon: everything that was sent is stored once.

The senders do as Kong's queue does: an entry or a batch of them, and the same again until there is an answer of 2xx.
"""

from __future__ import annotations

import gzip
import http.client
import json
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.end_to_end.running import BEGAN, a_daemon, environment, number, rows, settings_file, wait_until
from tests.end_to_end.test_kong import kong_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TOKEN = "c4n4ry-d0-n0t-pr1nt"
SOURCE = f'[sources.kong]\ntype = "push"\nformat = "kong-file-log"\ntoken = "{TOKEN}"\n'
TABLES = ("denials", "candidates", "traffic", "denied_minutes", "activity", "push_seen", "rejects", "reject_counts")
SENDERS, BATCHES, LARGEST_BATCH = 6, 30, 20


def entries(ids: Sequence[int]) -> list[dict[str, Any]]:
    """One entry for each number, every third of a denied request."""
    made = [json.loads(kong_line(BEGAN, 403 if one % 3 == 0 else 200, "acme", by_kong=one % 3 == 0)) for one in ids]
    for one, entry in zip(ids, made, strict=True):
        entry["request"]["id"] = f"{one:032x}"
    return made


def body_of(batch: list[dict[str, Any]]) -> bytes:
    """As Kong sends them: an object, or an array of several."""
    return json.dumps(batch[0] if len(batch) == 1 else batch).encode()


def post(settings: Path, body: bytes, **headers: str) -> tuple[int, Any]:
    """Status and answer; (0, None) when there is none."""
    port = next(line for line in settings.read_text().splitlines() if line.startswith("listen")).rpartition(":")[2]
    connection = http.client.HTTPConnection("127.0.0.1", int(port.strip('"')), timeout=10)
    try:
        connection.request("POST", "/push/kong", body, {"Authorization": f"Bearer {TOKEN}", **headers})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if answer.status == 200 else text.decode()
    except (OSError, http.client.HTTPException):
        return 0, None
    finally:
        connection.close()


def everything(url: str) -> dict[str, list[str]]:
    """All rows of all tables that lines go into."""
    return {table: sorted(map(repr, rows(url, f"select * from {table}"))) for table in TABLES}


def requests(url: str) -> int:
    return number(url, "select sum(n) from traffic")


def test_what_kong_posts_is_stored_once_however_often_it_comes(database_url: str, tmp_path: Path) -> None:
    settings = settings_file(tmp_path, SOURCE, url=database_url)
    batch = body_of(entries(range(9)))
    with a_daemon(settings) as daemon:
        daemon.says("watching")
        assert (200, {"entries": 9, "new": 9}) == post(settings, batch)
        # it is there when the answer is
        before = everything(database_url)
        assert (9, 3) == (requests(database_url), number(database_url, "select count(*) from denials"))
        for again in (batch, body_of(entries(range(4))), body_of(entries([7]))):
            assert {"new": 0} == {"new": post(settings, again)[1]["new"]}
        packed = gzip.compress(batch)
        assert (200, {"entries": 9, "new": 0}) == post(settings, packed, **{"Content-Encoding": "gzip"})
        assert before == everything(database_url)
    # also when it comes after a restart, whose memory is empty
    with a_daemon(settings) as daemon:
        daemon.says("watching")
        assert (200, {"entries": 10, "new": 1}) == post(settings, body_of(entries(range(10))))
    assert 10 == requests(database_url)


def test_a_daemon_killed_between_commit_and_answer_has_stored_it_and_the_retry_adds_nothing(
    database_url: str, tmp_path: Path
) -> None:
    settings = settings_file(tmp_path, SOURCE, url=database_url)
    command = [sys.executable, "-m", "tests.end_to_end.killed_before_answering", str(settings), "2"]
    killed = subprocess.Popen(command, env=environment(None), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    first, second = body_of(entries(range(5))), body_of(entries(range(5, 12)))
    wait_until(lambda: post(settings, first)[0] == 200, "the daemon to take the first batch")
    assert (0, None) == post(settings, second)
    assert -signal.SIGKILL == killed.wait(10)
    before = everything(database_url)
    assert 12 == requests(database_url)
    with a_daemon(settings) as daemon:
        daemon.says("watching")
        assert (200, {"entries": 7, "new": 0}) == post(settings, second)
        assert before == everything(database_url)


@pytest.mark.timeout(180)
def test_many_senders_and_a_daemon_killed_at_any_time_store_every_entry_once(database_url: str, tmp_path: Path) -> None:
    settings = settings_file(tmp_path, SOURCE, url=database_url)
    ids, chance, lock = count(), Random(7), threading.Lock()
    over = threading.Event()
    unanswered = 0

    def send() -> None:
        nonlocal unanswered
        for _ in range(BATCHES):
            with lock:
                batch = entries([next(ids) for _ in range(chance.randint(1, LARGEST_BATCH))])
                twice = chance.random() < 0.2
            body = body_of(batch)
            while not over.is_set() and (answer := post(settings, body)[0]) != 200:
                assert answer in (0, 429, 503), answer
                unanswered += 1
                over.wait(0.05)
            if twice:
                post(settings, body)

    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    try:
        for enough in (300, 600):
            with a_daemon(settings) as daemon:
                daemon.wait_until(lambda enough=enough: requests(database_url) > enough, "some to be stored")  # type: ignore[misc]
                assert -signal.SIGKILL == daemon.stop(signal.SIGKILL)
        with a_daemon(settings) as daemon:
            for sender in senders:
                sender.join()
            daemon.says("watching")
    finally:
        over.set()
    sent = next(ids)
    assert unanswered > 0, "no sender ever noticed that the daemon was killed"
    assert sent == requests(database_url)
    stored = rows(database_url, "select request_id, count(*) from denials group by request_id")
    assert [(f"{one:032x}", 1) for one in range(0, sent, 3)] == sorted(stored)
    assert sent == number(database_url, "select count(*) from push_seen")


def test_while_the_database_takes_nothing_senders_are_told_to_come_again(tmp_path: Path) -> None:
    path = tmp_path / "sentinel.db"
    settings = settings_file(tmp_path, SOURCE, url=f"sqlite:///{path}")
    text = settings.read_text()
    with a_daemon(settings) as daemon:
        daemon.says("watching")
        assert 200 == post(settings, body_of(entries([0])))[0]
    # so little is never free that nothing is taken in
    settings.write_text(text.replace("[web]", "min_free_mb = 1000000000\n[web]"))
    with a_daemon(settings) as daemon:
        daemon.says("watching")
        status, says = post(settings, body_of(entries([1])))
        assert (503, True) == (status, "/healthz" in says)
    settings.write_text(text)
    with a_daemon(settings) as daemon:
        daemon.says("watching")
        assert (200, {"entries": 1, "new": 1}) == post(settings, body_of(entries([1])))


def test_a_source_nobody_named_a_format_for_is_recognised_from_what_comes_first(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sentinel.db'}"
    settings = settings_file(tmp_path, SOURCE.replace('format = "kong-file-log"\n', ""), url=url)
    with a_daemon(settings) as daemon:
        daemon.says("watching")
        assert 200 == post(settings, kong_line(datetime.now(UTC), 403, "acme").encode())[0]
        assert [("kong-file-log",)] == rows(url, "select format from denials")
