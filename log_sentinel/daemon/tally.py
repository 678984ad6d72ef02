"""What the running program has counted since it started: numbers for status lines, summaries and metrics."""

import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class SourceTally:
    """Counts of one source. Only the writing thread adds to them, after a commit: they say what is in the database."""

    lines: int = 0
    bytes: int = 0
    denials: int = 0
    candidates: int = 0
    rejects: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Tally:
    """Counts by source, and of the commits that brought them in, whichever thread wrote them.

    `duplicates` counts denials that were in the database already. The checkpoints keep it at zero; any other figure is
    a fault worth looking into. `promoted` counts candidates that an error log proved to be denials,
    `explained` them and the denials that it gave a cause.
    """

    sources: dict[str, SourceTally] = field(default_factory=dict)
    commits: int = 0
    duplicates: int = 0
    promoted: int = 0
    explained: int = 0
    commit_failures: int = 0
    rewinds: int = 0
    _adding: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def committed(self, duplicates: int, promoted: int = 0, explained: int = 0) -> None:
        """Counts a commit, the denials in it that were there before, and what an error log told in it."""
        with self._adding:
            self.commits += 1
            self.duplicates += duplicates
            self.promoted += promoted
            self.explained += explained

    def commit_failed(self) -> None:
        with self._adding:
            self.commit_failures += 1

    def rewound(self) -> None:
        with self._adding:
            self.rewinds += 1

    def source(self, name: str) -> SourceTally:
        """The counts of the source `name`, begun at zero."""
        return self.sources.setdefault(name, SourceTally())

    @property
    def lines(self) -> int:
        return sum(one.lines for one in self.sources.values())

    @property
    def denials(self) -> int:
        return sum(one.denials for one in self.sources.values())

    @property
    def rejects(self) -> Counter[str]:
        return sum((one.rejects for one in self.sources.values()), Counter[str]())
