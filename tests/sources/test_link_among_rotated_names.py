"""A link whose targets have names like rotated files: each target is read once, from its beginning if asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sources.watching import Watch, append, lines, text

if TYPE_CHECKING:
    from pathlib import Path


def point(link: Path, target: Path) -> None:
    new = link.with_name("new-link")
    new.symlink_to(target)
    new.rename(link)


@pytest.mark.parametrize("names", ["access.log.20261124-{:06d}", "access-20261124{:02d}.log"])
@pytest.mark.parametrize("down", [False, True])
def test_the_target_of_a_link_is_read_once_though_its_name_is_a_rotated_one(
    names: str, down: bool, tmp_path: Path
) -> None:
    link = tmp_path / "access.log"
    append(tmp_path / names.format(0), text(0))
    point(link, tmp_path / names.format(0))
    watch = Watch(link, start="beginning")
    assert lines(0) == watch.new()
    for number in (1, 2, 3):
        target = tmp_path / names.format(number)
        append(target, text(number))
        point(link, target)
        if down:
            watch.restart()
        assert lines(number) == watch.new() + watch.later()
    watch.restart()
    assert [] == watch.new() + watch.later()
