"""What becomes of a batch's lines before they are stored."""

from __future__ import annotations

import pytest

from log_sentinel.daemon.judging import Format, judged
from tests.parsing.builders import COMBINED, batch, line, parser_of


@pytest.mark.parametrize(
    ("said", "denials", "candidates"),
    [
        ("REJECTED -", [503], []),
        ("PASSED -", [], [503]),
        ("PASSED 503", [], [503]),
        ("REJECTED_DRY_RUN 503", [], [503]),
        ("- -", [], [503]),
    ],
)
def test_a_503_is_a_denial_when_its_own_line_says_that_a_limit_refused_it(
    said: str, denials: list[int], candidates: list[int]
) -> None:
    reader = parser_of(COMBINED + " $limit_req_status $upstream_status")
    form = Format(reader, (reader.definition,))
    lines = line(403)[:-1] + " PASSED 403\n" + line(503)[:-1] + f" {said}\n" + line(403)[:-1] + " PASSED 403\n"

    parsed = judged(batch(lines), form).parsed

    assert parsed.denials["status"].to_list() == [403, *denials, 403]
    assert parsed.candidates["status"].to_list() == candidates
