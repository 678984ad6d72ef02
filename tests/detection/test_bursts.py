from __future__ import annotations

import json

from log_sentinel.detection.bursts import Bursts

NEW, KNOWN = 0.1, 10.0


def burst(
    bursts: Bursts, entity: str, minute: int, n: int, mean: float = NEW, length: int = 3, told: bool = False
) -> None:
    for at in range(minute, minute + length):
        bursts.see(at, entity, n, mean)
    if told:
        bursts.told([entity])
    bursts.end(minute + length + 10)


def test_a_new_entity_must_exceed_what_new_ones_ordinarily_do() -> None:
    bursts = Bursts()
    for number in range(20):
        burst(bursts, f"1|403|10.0.0.{number}", number * 20, n=20 + number)

    assert bursts.floor("1|403|198.51.100.1", NEW) == 1.25 * 35


def test_a_few_bursts_make_no_floor_and_other_kinds_of_entity_none_either() -> None:
    bursts = Bursts()
    for number in range(19):
        burst(bursts, f"1|403|10.0.0.{number}", number * 20, n=30)

    assert [bursts.floor("1|403|new", NEW), bursts.floor("1|429|new", NEW)] == [0.0, 0.0]


def test_what_was_told_and_what_lasted_is_not_ordinary() -> None:
    bursts = Bursts()
    for number in range(30):
        burst(
            bursts,
            f"1|403|10.0.0.{number}",
            number * 40,
            n=30,
            told=number % 2 == 0,
            length=3 if number % 2 == 0 else 25,
        )

    assert bursts.floor("1|403|new", NEW) == 0.0
    assert bursts.habits == {}


def test_the_floor_is_bounded() -> None:
    bursts = Bursts()
    for number in range(20):
        burst(bursts, f"1|403|10.0.0.{number}", number * 20, n=10_000)

    assert bursts.floor("1|403|new", NEW) == 100.0


def test_a_known_entity_knows_no_floor() -> None:
    bursts = Bursts()
    for number in range(20):
        burst(bursts, f"1|403|10.0.0.{number}", number * 20, n=30)

    assert bursts.floor("1|403|known", KNOWN) == 0.0


def test_an_entity_that_does_it_now_and_then_is_muted_below_twice_its_largest() -> None:
    bursts = Bursts()
    for minute in (0, 60):
        burst(bursts, "1|429|job", minute, n=50, mean=KNOWN)
    bursts.see(120, "1|429|job", 60, KNOWN)

    assert [bursts.muted(121, "1|429|job", n) for n in (90, 110)] == [True, False]


def test_a_habit_mutes_no_longer_than_a_short_burst_lasts() -> None:
    bursts = Bursts()
    for minute in (0, 60):
        burst(bursts, "1|429|job", minute, n=50, mean=KNOWN)
    for minute in range(120, 140):
        bursts.see(minute, "1|429|job", 60, KNOWN)

    assert [bursts.muted(minute, "1|429|job", 60) for minute in (135, 136)] == [True, False]


def test_one_burst_is_no_habit_and_old_ones_are_forgotten() -> None:
    bursts = Bursts()
    burst(bursts, "1|429|once", 0, n=50, mean=KNOWN)
    for minute in (0, 60):
        burst(bursts, "1|429|old", minute, n=50, mean=KNOWN)
    for entity in ("1|429|once", "1|429|old"):
        bursts.see(3000, entity, 60, KNOWN)

    assert [bursts.muted(3000, entity, 60) for entity in ("1|429|once", "1|429|old")] == [False, False]


def test_what_is_remembered_outlives_a_restart() -> None:
    bursts, restored = Bursts(), Bursts()
    burst(bursts, "1|403|a|b", 0, n=50)
    bursts.see(60, "1|403|a|b", 50, NEW)
    restored.restore(json.loads(json.dumps(bursts.state())))

    assert restored == bursts
