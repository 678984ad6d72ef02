"""Symbolic links that are switched to another file, as container runtimes and cronolog do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sources.watching import Watch, append, lines, text

if TYPE_CHECKING:
    from pathlib import Path


def point(link: Path, target: Path) -> None:
    new = link.with_name("new-link")
    new.symlink_to(target)
    new.rename(link)


def test_a_switched_link_finishes_the_old_file_before_the_new_one(tmp_path: Path) -> None:
    link = tmp_path / "current.log"
    old = tmp_path / "0.data"
    old.touch()
    point(link, old)
    watch = Watch(link)
    watch.new()
    for number in range(1, 100):
        new = tmp_path / f"{number}.data"
        append(old, text(1000 + number))
        append(new, text(2000 + number))
        point(link, new)
        append(old, text(3000 + number))
        assert lines(1000 + number, 3000 + number, 2000 + number) == watch.new()
        old = new


def test_a_link_that_comes_back_to_its_old_file_goes_on_where_that_was_left(tmp_path: Path) -> None:
    link, one, two = tmp_path / "current.log", tmp_path / "one", tmp_path / "two"
    one.write_bytes(text(0))
    two.write_bytes(text(1))
    point(link, one)
    watch = Watch(link)
    watch.new()
    point(link, two)
    assert lines(1) == watch.new()
    append(one, text(2))
    point(link, one)
    append(one, text(3))
    append(two, text(4))
    assert sorted(lines(2, 3, 4)) == sorted(watch.new())
    assert [] == watch.later()


def test_a_dangling_link_is_a_missing_file_until_its_target_is_there(tmp_path: Path) -> None:
    link = tmp_path / "current.log"
    point(link, tmp_path / "target")
    watch = Watch(link)
    assert [] == watch.new()
    assert ["there is no such file"] == watch.problems()
    append(tmp_path / "target", text(1))
    assert lines(1) == watch.new()


def test_two_names_of_one_file_are_one_generation(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(text(0))
    (tmp_path / "b.log").hardlink_to(log)
    (tmp_path / "c.log").symlink_to(log)
    watch = Watch(tmp_path / "*.log", start="beginning")
    assert lines(0) == watch.new()
    append(log, text(1))
    assert lines(1) == watch.new()
    log.unlink()
    append(tmp_path / "b.log", text(2))
    assert lines(2) == watch.new()
    watch.later()
    append(tmp_path / "b.log", text(3))
    assert lines(3) == watch.later()
    watch.restart()
    assert [] == watch.later()


def test_links_in_a_circle_are_told_about(tmp_path: Path) -> None:
    link = tmp_path / "access.log"
    link.symlink_to(link)
    watch = Watch(link)
    assert [] == watch.new()
    assert ["its symbolic links lead in a circle"] == watch.problems()
