"""`python -m tests.end_to_end.killed_before_answering SETTINGS N`: the daemon, killed at its Nth commit of a push.

The commit is made; that it was is nobody's knowledge any more when the process is gone: the sender got no answer.
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import count

from log_sentinel import cli
from log_sentinel.sources.push import Push


def main() -> None:
    settings, last = sys.argv[1], int(sys.argv[2])
    commits = count(1)
    committed = Push.committed

    def killed(push: Push) -> None:
        if next(commits) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        committed(push)

    Push.committed = killed  # type: ignore[assignment, method-assign]
    sys.argv[1:] = ["run", "--config", settings]
    cli.main()


if __name__ == "__main__":
    main()
