"""A spike says which denials its rule counts, so that its course over the hours can be counted alike."""

from __future__ import annotations

import pytest

from log_sentinel.detection.evidence import filters
from log_sentinel.detection.rule import Counted
from log_sentinel.model.spike import Dimension

WHERE = (("cause", ("rate_limit", "unknown")),)


@pytest.mark.parametrize(
    ("counted", "told"),
    [
        (Counted(Dimension.CLIENT), {}),
        (Counted(Dimension.CLIENT, statuses=(403, 429)), {"only": {"status": ["403", "429"]}}),
        (Counted(Dimension.CLIENT, apart=True), {"only": {"status": ["403"]}}),
        (Counted(Dimension.CLIENT, where=WHERE), {"only": {"cause": ["rate_limit", "unknown"]}}),
    ],
)
def test_it_says_what_it_leaves_out(counted: Counted, told: dict[str, object]) -> None:
    assert told == filters(counted, 403)
