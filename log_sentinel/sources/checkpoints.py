"""What the sources need of the store."""

from typing import Protocol

from log_sentinel.model.lines import Checkpoint


class Checkpoints(Protocol):
    """Stored checkpoints of one instance."""

    def known(self, source: str) -> list[Checkpoint]:
        """Every generation of `source` the store knows, as far as it is committed."""

    def begin(self, checkpoint: Checkpoint) -> Checkpoint:
        """Stores a generation that was never seen before and returns it with its id."""

    def mark(self, checkpoint: Checkpoint) -> None:
        """Stores another path, head or state of a generation. Only safe when no lines of it wait to be committed."""
