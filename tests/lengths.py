"""How much a test does: a little in the suite, much in a release run (`make release-run RUN=R4`)."""

from __future__ import annotations

import os

# 1 in a release run, less in one that was told to be shorter (SHARE=0.1); 0 in the suite.
RELEASE_SHARE = float(os.environ.get("RELEASE_SHARE", "0"))


def times(suite: int, release: int) -> int:
    """`suite` in the suite; in a release run `release`, or the share of it that was asked for, and never less."""
    return max(suite, round(release * RELEASE_SHARE))
