"""Two daemons on one state: the second is refused and told who has it; after a kill -9 nothing blocks the next."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from tests.end_to_end.running import Daemon, a_daemon, number, run, settings_file
from tests.reliability.logs import SOURCE, line

if TYPE_CHECKING:
    from pathlib import Path


def test_a_second_daemon_is_refused_and_a_third_starts_after_the_first_was_killed(
    database_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(line(number) for number in range(100)))
    settings = settings_file(tmp_path / "first", SOURCE.format(log), url=database_url)
    second = settings_file(tmp_path / "second", SOURCE.format(log), url=database_url)
    first = Daemon(settings)
    try:
        first.wait_until(lambda: number(database_url, "select sum(n) from traffic") == 100, "the first to work")
        refused = run("run", "--config", second, cwd=tmp_path)
        assert refused.returncode == 75
        holder = str(first.process.pid) if database_url.startswith("sqlite") else "log-sentinel"
        assert holder in refused.stderr
        assert "as instance edge-1; one process reads into it at a time" in refused.stderr
    finally:
        assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    with a_daemon(second) as third:
        third.says('"watching"')
        with log.open("a") as file:
            file.write(line(100))
        third.wait_until(lambda: number(database_url, "select sum(n) from traffic") == 101, "the third to work")
