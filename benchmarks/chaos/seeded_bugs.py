"""`python -m benchmarks.chaos.seeded_bugs`: can the tests fail?

Each bug of seeded_bugs.toml is built into a copy of the tree, and the tests that must catch it are run there; without
any bug they must pass. What holds for both databases is tried on SQLite alone. Exit code 0: every bug was
caught. 1: one survived, or could not be built in.
"""

from __future__ import annotations

import argparse
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUGS = Path(__file__).with_name("seeded_bugs.toml")
TAKES_AT_MOST_SECONDS = 900


@dataclass(frozen=True)
class Edit:
    module: str
    old: str
    new: str


@dataclass(frozen=True)
class Bug:
    name: str
    tests: tuple[str, ...]
    edits: tuple[Edit, ...]

    def build_into(self, tree: Path) -> dict[Path, str]:
        """What the modules were before. Raises Stale, with nothing changed, when an edit does not fit any more."""
        before: dict[Path, str] = {}
        changed: dict[Path, str] = {}
        for edit in self.edits:
            path = tree / edit.module
            text = changed.get(path) or (path.read_text() if path.exists() else "")
            if text.count(edit.old) != 1:
                raise Stale(f"{edit.module} has the old text of an edit {text.count(edit.old)} times")
            before.setdefault(path, text)
            changed[path] = text.replace(edit.old, edit.new)
        for path, text in changed.items():
            path.write_text(text)
        return before


class Stale(Exception):
    """The code has changed under a bug."""


def bugs() -> list[Bug]:
    read = tomllib.loads(BUGS.read_text())["bug"]
    return [Bug(one["name"], tuple(one["tests"]), tuple(Edit(**edit) for edit in one["edit"])) for one in read]


def copy_of_the_tree(folder: Path) -> Path:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def tests_fail(tree: Path, tests: tuple[str, ...]) -> bool:
    """Whether one of `tests` fails in `tree`. One that hangs fails."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-k", "not postgres", *tests]
    environ = os.environ | {
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(tree / ".examples"),
    }
    try:
        ran = subprocess.run(
            command, cwd=tree, env=environ, capture_output=True, timeout=TAKES_AT_MOST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    if ran.returncode not in (0, 1, 2):
        raise RuntimeError(f"{' '.join(command)} ended with {ran.returncode}:\n{ran.stdout.decode()[-2000:]}")
    return ran.returncode != 0


def survival(bug: Bug, tree: Path) -> str | None:
    """Why `bug` was not caught; None when it was."""
    try:
        before = bug.build_into(tree)
    except Stale as why:
        return str(why)
    try:
        return None if tests_fail(tree, bug.tests) else "SURVIVED"
    finally:
        for path, text in before.items():
            path.write_text(text)


def unsound(wanted: list[Bug], tree: Path) -> set[str]:
    """The tests that fail without any bug: they prove nothing."""
    every = tuple(dict.fromkeys(test for bug in wanted for test in bug.tests))
    return {test for test in every if tests_fail(tree, (test,))} if tests_fail(tree, every) else set()


def main() -> int:
    arguments = _arguments()
    wanted = [bug for bug in bugs() if not arguments.part or any(part in bug.name for part in arguments.part)]
    folder = Path(tempfile.mkdtemp(prefix="log-sentinel-bugs-"))
    trees: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for number in range(arguments.jobs):
        trees.put(copy_of_the_tree(folder / str(number)))

    def tried(bug: Bug) -> str | None:
        tree, began = trees.get(), time.monotonic()
        problem = survival(bug, tree)
        print(f"{problem or 'caught':10} {bug.name} ({time.monotonic() - began:.0f} s)", flush=True)
        trees.put(tree)
        return problem

    with ThreadPoolExecutor(arguments.jobs) as pool:
        problems = list(pool.map(tried, wanted))
    others = [f"{bug.name}: {why}" for bug, why in zip(wanted, problems, strict=True) if why is not None]
    broken = unsound(wanted, folder / "0")
    others += [f"{test}: fails without any bug, so that what it caught proves nothing" for test in sorted(broken)]
    shutil.rmtree(folder)
    print(f"{problems.count(None)} of {len(wanted)} caught", *others, sep="\n")
    return 1 if others else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos.seeded_bugs", description=__doc__)
    parser.add_argument("part", nargs="*", help="only bugs with this in their name")
    parser.add_argument("--jobs", type=int, default=1, help="so many at a time")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
