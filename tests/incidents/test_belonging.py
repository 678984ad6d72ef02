from __future__ import annotations

from log_sentinel.model.spike import Dimension
from tests.incidents.spikes import Kept, a_spike, sharing

RISE = a_spike("all", dimension=Dimension.ALL, observed=5000)


def test_a_small_part_of_a_general_rise_opens_nothing_while_the_rise_ebbs_away() -> None:
    kept = Kept()
    kept.minute(0, RISE)

    assert kept.minute(3, a_spike("late", minute=3)) == []
    assert kept.incidents[0].evidence["parts"] == [["client-spike", "client", "late"]]


def test_a_large_one_beside_an_ebbing_rise_is_a_matter_of_its_own() -> None:
    kept = Kept()
    kept.minute(0, RISE)

    assert kept.minute(3, a_spike("large", minute=3, observed=2000)) == ["opened large"]


def test_what_began_in_a_rise_and_shows_when_it_is_over_is_still_it_and_what_begins_later_is_not() -> None:
    kept = Kept()
    kept.run(range(6), RISE)
    kept.run(range(6, 12))

    assert kept.minute(12, a_spike("slow", minute=5)) == []
    # the rise is kept open for a while, but what begins then is none of it
    assert kept.minute(13, a_spike("new", minute=11)) == ["opened new"]


def test_what_shows_shortly_after_many_were_opened_is_a_part_of_the_largest() -> None:
    kept = Kept()
    for minute in range(4):
        kept.minute(minute, a_spike(f"c{minute}", minute=minute, observed=100 + minute))

    assert kept.minute(4, a_spike("fifth", minute=4)) == []
    assert kept.minute(5, a_spike("larger", minute=5, observed=1000)) == ["opened larger"]


def test_many_incidents_over_hours_are_no_storm() -> None:
    kept = Kept()
    for number in range(6):
        assert f"opened c{number}" in kept.minute(20 * number, a_spike(f"c{number}", minute=20 * number))


def test_a_rise_that_comes_back_says_nothing_of_what_it_was_the_last_time() -> None:
    kept = Kept()
    part = a_spike("/orders", dimension=Dimension.ROUTE, observed=400)
    kept.minute(0, RISE)
    kept.minute(1, part)
    kept.run(range(2, 20))
    again = a_spike("all", dimension=Dimension.ALL, minute=30, observed=300)
    assert kept.minute(30, again) == ["reopened all"]

    route = a_spike("/orders", dimension=Dimension.ROUTE, minute=30, observed=300)
    assert kept.minute(31, sharing(route, (again, 300)), sharing(again, (route, 300))) == ["opened /orders"]
