from __future__ import annotations

import json

from log_sentinel.detection.bursts import Bursts

DAY = 1440


def burst(bursts: Bursts, entity: str, minute: int, n: int, length: int = 3, apart: bool = False) -> None:
    """A burst of `n` denials, as large as that too."""
    for lasted in range(1, length + 1):
        bursts.see(minute + lasted - 1, entity, n, float(n), lasted)
    if apart:
        bursts.set_apart()
    bursts.end(minute + length + 10)


def seen_for_a_day(length: int = 3, *, apart: bool = False) -> Bursts:
    """Forty addresses that had a burst of 20 to 59 each, once."""
    bursts = Bursts()
    bursts.end(0)
    for number in range(40):
        burst(bursts, f"1|403|10.0.0.{number}", number * 36, 20 + number, length, apart)
    return bursts


def test_what_is_told_must_be_larger_than_what_others_ordinarily_have() -> None:
    floor = seen_for_a_day().floor(DAY, "1|429|198.51.100.1", 3, 1.0)

    assert 59 < floor < 2 * 59


def test_a_smaller_budget_asks_for_more() -> None:
    bursts = seen_for_a_day()

    assert bursts.floor(DAY, "1|403|new", 3, 0.1) > bursts.floor(DAY, "1|403|new", 3, 10.0)


def test_what_lasts_longer_than_bursts_ever_did_need_not_be_larger() -> None:
    assert seen_for_a_day(length=3).floor(DAY, "1|403|new", 4, 1.0) == 0.0


def test_another_dimension_has_its_own_experience() -> None:
    assert seen_for_a_day().floor(DAY, "2|403|new", 3, 1.0) == 0.0


def test_what_lasted_and_what_was_part_of_something_larger_is_not_ordinary() -> None:
    lasting, parts = seen_for_a_day(length=25), seen_for_a_day(apart=True)

    assert [lasting.floor(DAY, "1|403|new", 3, 1.0), parts.floor(DAY, "1|403|new", 3, 1.0)] == [0.0, 0.0]
    assert lasting.habits == parts.habits == {}


def test_the_floor_is_bounded_by_what_was_seen() -> None:
    assert seen_for_a_day().floor(DAY, "1|403|new", 3, 1e-9) == 1.3 * 59


def test_what_happened_once_is_not_ordinary() -> None:
    bursts = seen_for_a_day()
    ordinary = bursts.floor(DAY, "1|403|new", 3, 1e-9)
    burst(bursts, "1|403|outage", DAY, n=5000)

    assert bursts.floor(DAY + 20, "1|403|new", 3, 1e-9) < 2 * ordinary


def test_bursts_of_clients_are_bursts_of_their_addresses_and_not_the_other_way_round() -> None:
    bursts = seen_for_a_day()
    bursts.pools = {"1": "client", "2": "ip"}
    bursts.samples = {"client": bursts.samples["1"]}

    assert bursts.floor(DAY, "2|403|new", 3, 1.0) == bursts.floor(DAY, "1|403|new", 3, 1.0) > 0
    bursts.samples = {"ip": bursts.samples["client"]}
    bursts.end(DAY + 60)
    assert bursts.floor(DAY + 60, "1|403|new", 3, 1.0) == 0.0


def test_what_a_large_entity_does_says_nothing_of_others() -> None:
    bursts = Bursts()
    bursts.end(0)
    for minute in range(3):
        bursts.see(minute, "1|403|large", 5000, None, minute + 1)
    bursts.end(20)

    assert bursts.floor(20, "1|403|new", 3, 1.0) == 0.0


def test_bursts_of_two_weeks_ago_are_forgotten() -> None:
    bursts = seen_for_a_day()
    bursts.end(17 * DAY)

    assert bursts.floor(17 * DAY, "1|403|new", 3, 1.0) == 0.0


def test_an_entity_that_does_it_now_and_then_is_muted_below_twice_its_largest() -> None:
    bursts = Bursts()
    for minute in (0, 60):
        burst(bursts, "1|429|job", minute, n=50)
    bursts.see(120, "1|429|job", 60, 60.0, 1)

    assert [bursts.muted(121, "1|429|job", n) for n in (90, 110)] == [True, False]


def test_a_habit_mutes_no_longer_than_a_short_burst_lasts() -> None:
    bursts = Bursts()
    for minute in (0, 60):
        burst(bursts, "1|429|job", minute, n=50)
    for minute in range(120, 140):
        bursts.see(minute, "1|429|job", 60, 60.0, minute - 119)

    assert [bursts.muted(minute, "1|429|job", 60) for minute in (135, 136)] == [True, False]


def test_one_burst_is_no_habit_and_old_ones_are_forgotten() -> None:
    bursts = Bursts()
    burst(bursts, "1|429|once", 0, n=50)
    for minute in (0, 60):
        burst(bursts, "1|429|old", minute, n=50)
    for entity in ("1|429|once", "1|429|old"):
        bursts.see(3000, entity, 60, 60.0, 1)

    assert [bursts.muted(3000, entity, 60) for entity in ("1|429|once", "1|429|old")] == [False, False]


def test_a_job_that_has_become_a_habit_says_nothing_of_others() -> None:
    bursts = Bursts()
    for hour in range(10):
        burst(bursts, "1|429|job", hour * 60, n=50)

    assert len(bursts.samples["1"]) == 1


def test_what_is_remembered_outlives_a_restart() -> None:
    bursts, restored = Bursts(), Bursts()
    burst(bursts, "1|403|a|b", 0, n=50)
    bursts.see(60, "1|403|a|b", 50, 50.0, 1)
    restored.restore(json.loads(json.dumps(bursts.state())))

    assert restored == bursts
