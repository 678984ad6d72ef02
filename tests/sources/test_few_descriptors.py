"""A process that may open 64 files follows 200 logs, while the rest of it wants descriptors too."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.lengths import times
from tests.sources.watching import append, lines, text

if TYPE_CHECKING:
    from pathlib import Path

FILES = times(200, 10_000)

CHILD = """
import json, os, resource, sys
from tests.sources.watching import Watch
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
watch = Watch(sys.argv[1], start="beginning")
got = []
taken = []
for turn in sys.stdin:
    if turn.strip() == "starve":
        try:
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        except OSError as why:
            assert "Too many open files" == why.strerror
            assert taken
    elif turn.strip() == "feed":
        for descriptor in taken:
            os.close(descriptor)
        taken.clear()
    elif turn.strip() == "restart":
        watch.restart()
    found = sorted(line.decode() for line in watch.new() + watch.later())
    print(json.dumps([found, sorted({problem.found for problem in watch.tail.problems()})]), flush=True)
"""


def test_each_line_of_200_logs_comes_once_with_64_descriptors_and_with_none(tmp_path: Path) -> None:
    logs = [tmp_path / f"{name:05}.log" for name in range(FILES)]
    for number, log in enumerate(logs):
        append(log, text(number))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "*.log")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def ask(turn: str) -> tuple[list[bytes], list[str]]:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(turn + "\n")
        child.stdin.flush()
        found, problems = json.loads(child.stdout.readline())
        return [line.encode() for line in found], problems

    with child:
        assert (lines(*range(FILES)), []) == ask("look")
        for number, log in enumerate(logs):
            append(log, text(FILES + number))
        # with none left for anybody it still has the few it holds, and takes turns with them
        starved, _ = ask("starve")
        for number, log in enumerate(logs):
            log.rename(log.with_name(log.name + ".1"))
            append(log, text(2 * FILES + number))
        rest, _ = ask("feed")
        more, _ = ask("look")
        assert lines(*range(FILES, 3 * FILES)) == sorted(starved + rest + more)
        assert ([], []) == ask("look")
        assert ([], []) == ask("restart")
        assert child.stdin is not None
        child.stdin.close()
