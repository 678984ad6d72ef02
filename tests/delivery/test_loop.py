"""Delivery over time: retries, outages, restarts, and that nobody waits for a channel that is not theirs."""

import random
import threading
from datetime import timedelta

import pytest

from log_sentinel.delivery.pauses import GIVE_UP_AFTER, LONGEST, UNTIL_FIXED, Gate, delay
from log_sentinel.delivery.settings import Route
from log_sentinel.delivery.undeliverable import Undeliverable
from log_sentinel.model.notification import Notification
from log_sentinel.store import outbox
from log_sentinel.store.engine import Database
from tests.delivery.happenings import NOON, grew, opened, resolved
from tests.delivery.scene import Noting, Scene

DOWN = Undeliverable("later", "example.com: connection refused")
BAD_TOKEN = Undeliverable("when_fixed", "Slack does not know the token (invalid_auth)")
REFUSED = Undeliverable("never", "refused for good")


def test_every_channel_is_told_everything_in_order_and_once(database: Database) -> None:
    scene = Scene(database, "ops", "mail")
    number = scene.happens(opened(), grew(), resolved())
    scene.delivery.step()
    scene.delivery.step()
    expected = [(number, "opened"), (number, "grew"), (number, "resolved")]
    assert expected == scene.told("ops")
    assert expected == scene.told("mail")
    assert {name: state.sent for name, state in scene.delivery.states().items()} == {"ops": 3, "mail": 3}


def test_a_message_that_fails_is_tried_again_with_the_same_key_until_it_gets_through(database: Database) -> None:
    scene = Scene(database, "ops")
    scene.channels["ops"].script.extend([DOWN, DOWN, DOWN, None])
    keys = []
    scene.channels["ops"].on_send = lambda notification: keys.append(notification.idempotency_key)
    number = scene.happens(opened())
    for _ in range(8):
        scene.delivery.step()
        scene.clock.step(minutes=1)
    assert [(number, "opened")] == scene.told()
    assert (len(keys), len(set(keys))) == (4, 1)


def test_a_channel_that_is_down_is_not_tried_once_for_each_message_that_waits(database: Database) -> None:
    scene = Scene(database, "ops")
    scene.channels["ops"].always = DOWN
    tries = []
    scene.channels["ops"].on_send = lambda notification: tries.append(notification.id)
    for key in "abcdefghij":
        scene.happens(opened(key=key))
    scene.delivery.step()
    assert len(tries) == 1


def test_after_an_outage_everything_comes_in_the_order_it_happened(database: Database) -> None:
    scene = Scene(database, "ops")
    scene.channels["ops"].always = DOWN
    numbers = []
    for minute in range(60):
        if minute % 10 == 0:
            numbers.append(scene.happens(opened(key=f"client {minute}")))
        scene.delivery.step()
        scene.clock.step(minutes=1)
    scene.channels["ops"].always = None
    scene.clock.step(minutes=15)
    for _ in range(10):
        scene.delivery.step()
        scene.clock.step(seconds=1)
    assert [(number, "opened") for number in numbers] == scene.told()
    assert 75 >= scene.channels["ops"].messages[0].late_minutes >= 60


def test_a_message_that_always_fails_does_not_keep_the_others_from_going(database: Database) -> None:
    scene = Scene(database, "ops")
    poison = scene.happens(opened(key="poison"))
    others = [scene.happens(opened(key=key)) for key in "abc"]

    def fails_on_poison(notification: Notification) -> None:
        if notification.incident_id == poison:
            raise Undeliverable("later", "example.com answered 500")

    scene.channels["ops"].on_send = fails_on_poison
    for _ in range(20):
        scene.delivery.step()
        scene.clock.step(seconds=10)
    assert [(number, "opened") for number in others] == scene.told()


def test_another_channel_is_not_delayed_by_one_that_is_down(database: Database) -> None:
    scene = Scene(database, "ops", "mail")
    scene.channels["ops"].always = DOWN
    number = scene.happens(opened(), resolved())
    scene.delivery.step()
    assert scene.told("ops") == []
    assert [(number, "opened"), (number, "resolved")] == scene.told("mail")


def test_after_24_hours_it_is_given_up_said_so_and_the_next_one_goes_on(database: Database) -> None:
    scene = Scene(database, "ops")
    scene.channels["ops"].always = DOWN
    number = scene.happens(opened(), resolved())
    for _ in range(24 * 4 + 2):
        scene.delivery.step()
        scene.clock.step(minutes=15)
    state = scene.delivery.states()["ops"]
    assert scene.told() == []
    assert state.undelivered >= 1
    assert state.reason == "example.com: connection refused"
    scene.channels["ops"].always = None
    other = scene.happens(opened(key="other"))
    scene.clock.step(minutes=15)
    scene.delivery.step()
    assert (other, "opened") in scene.told()
    assert (number, "opened") not in scene.told()


def test_what_the_other_side_asks_for_is_waited_for(database: Database) -> None:
    scene = Scene(database, "ops")
    scene.channels["ops"].script.append(Undeliverable("later", "slower", after=40))
    scene.happens(opened())
    scene.delivery.step()
    scene.clock.step(seconds=39)
    scene.delivery.step()
    assert scene.told() == []
    scene.clock.step(seconds=1)
    scene.delivery.step()
    assert len(scene.told()) == 1


@pytest.mark.parametrize(("said", "waited"), [(0, 1), (0.001, 1), (30, 30), (1e9, 3600), (float("inf"), 3600)])
def test_absurd_waits_are_kept_within_a_second_and_an_hour(said: float, waited: int) -> None:
    gate = Gate(timedelta(0))
    assert NOON + timedelta(seconds=waited) == gate.failed(Undeliverable("later", "", after=said), NOON)


def test_pauses_grow_from_a_second_to_a_quarter_of_an_hour_and_are_spread() -> None:
    chance = random.Random(1)
    for failures in (1, 2, 5, 10, 30, 1000):
        spread = [delay(failures, chance) for _ in range(200)]
        assert timedelta(seconds=1) <= min(spread)
        assert max(spread) <= min(LONGEST, timedelta(seconds=2) * 2 ** min(failures, 30))
    assert max(delay(30, chance) for _ in range(200)) > timedelta(minutes=13)


def test_a_channel_that_needs_somebody_says_so_and_goes_on_when_it_is_mended(database: Database) -> None:
    scene = Scene(database, "ops")
    scene.channels["ops"].always = BAD_TOKEN
    number = scene.happens(opened(), resolved())
    scene.delivery.step()
    assert (True, BAD_TOKEN.reason) == (
        scene.delivery.states()["ops"].needs_somebody,
        outbox.standings(database)["ops"].reason,
    )
    scene.channels["ops"].always = None
    scene.clock.step(minutes=UNTIL_FIXED.total_seconds() / 60)
    scene.delivery.step()
    assert [(number, "resolved")] == scene.told()
    assert scene.channels["ops"].messages[0].merged == 2
    assert (scene.delivery.states()["ops"].needs_somebody, scene.delivery.states()["ops"].reason) == (False, None)


def test_one_message_that_is_refused_for_good_does_not_keep_the_next_from_going(database: Database) -> None:
    scene = Scene(database, "ops")
    scene.channels["ops"].script.append(REFUSED)
    scene.happens(opened())
    other = scene.happens(opened(key="other"))
    scene.delivery.step()
    assert [(other, "opened")] == scene.told()
    assert outbox.standings(database)["ops"].undelivered == 1


def test_a_message_that_breaks_the_channels_code_does_not_end_the_channel(database: Database) -> None:
    scene = Scene(database, "ops")
    scene.channels["ops"].script.append(ZeroDivisionError("ours"))
    scene.happens(opened())
    other = scene.happens(opened(key="other"))
    for _ in range(5):
        scene.delivery.step()
        scene.clock.step(minutes=1)
    assert (other, "opened") in scene.told()
    assert len(scene.told()) == 2


def test_a_sender_that_dies_between_sending_and_noting_tells_it_at_most_once_more_under_the_same_key(
    database: Database,
) -> None:
    scene = Scene(database, "ops")
    scene.happens(opened(), resolved())
    sends: list[Notification] = []

    def sends_and_dies(notification: Notification) -> None:
        sends.append(notification)
        if len(sends) == 1:
            raise SystemExit

    scene.channels["ops"].on_send = sends_and_dies
    with pytest.raises(SystemExit):
        scene.delivery.step()
    scene.started_again().step()
    assert len(sends) == 1, "the claim still holds"
    scene.clock.step(minutes=3)
    scene.delivery.step()
    assert [one.happening.kind.value for one in sends] == ["opened", "opened", "resolved"]
    assert sends[0].idempotency_key == sends[1].idempotency_key
    assert sends[1].idempotency_key != sends[2].idempotency_key


def test_messages_keep_the_channels_pace(database: Database) -> None:
    scene = Scene(database, "ops")
    scene.channels["ops"].pace_seconds = 1.0
    scene.started_again()
    for key in "abc":
        scene.happens(opened(key=key))
    scene.delivery.step()
    assert len(scene.told()) == 1
    scene.clock.step(seconds=0.9)
    assert scene.delivery.step() == 0
    scene.clock.step(seconds=0.1)
    assert scene.delivery.step() == 1


def test_each_recipient_is_told_on_their_own(database: Database) -> None:
    scene = Scene(database, mail=Noting(to=("a@example.com", "b@example.com")))
    scene.channels["mail"].script.append(REFUSED)
    scene.happens(opened())
    scene.delivery.step()
    assert [one.recipient for one in scene.channels["mail"].told] == ["b@example.com"]


def test_routes_choose_the_channels_and_no_routes_mean_everybody(database: Database) -> None:
    scene = Scene(database, "ops", "mail", routing=[Route(match={"severity": "critical"}, to=["mail"])])
    number = scene.happens(opened())
    scene.happens(opened(severity="warning", key="other"))
    scene.delivery.step()
    assert [(number, "opened")] == scene.told("mail")
    assert scene.told("ops") == []


def test_a_daemon_without_channels_leaves_what_happened_to_those_that_have_some(database: Database) -> None:
    scene = Scene(database)
    scene.happens(opened())
    assert scene.delivery.step() == 0
    scene.delivery.start()
    scene.delivery.stop()
    assert outbox.any_to_fan_out(database)


def test_the_threads_tell_what_happens_when_they_are_woken_and_end_when_they_are_stopped(database: Database) -> None:
    scene = Scene(database, "ops", "mail")
    told = threading.Barrier(3)

    def meet(_: Notification) -> None:
        told.wait(30)

    for channel in scene.channels.values():
        channel.on_send = meet
    scene.delivery.start()
    scene.happens(opened())
    scene.delivery.wake()
    told.wait(30)
    scene.delivery.stop(timedelta(seconds=30))
    assert (len(scene.told("ops")), len(scene.told("mail"))) == (1, 1)
    assert not [thread for thread in threading.enumerate() if thread.name in ("fan-out", "to ops", "to mail")]


def test_what_was_blocked_is_tried_at_once_after_a_start(database: Database) -> None:
    scene = Scene(database, "ops")
    scene.channels["ops"].script.append(BAD_TOKEN)
    scene.happens(opened())
    scene.delivery.step()
    again = scene.started_again()
    told = threading.Event()
    scene.channels["ops"].on_send = lambda _: told.set()
    again.start()
    assert told.wait(30)
    again.stop(timedelta(seconds=30))
    assert len(scene.told()) == 1


def test_nothing_is_given_up_before_its_time() -> None:
    assert timedelta(hours=24) == GIVE_UP_AFTER
