"""Happenings become notifications once; a claim is one sender's; order is kept per incident and channel."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from log_sentinel.model.incident import Happening
from log_sentinel.model.notification import Notification, NotificationState
from log_sentinel.store import outbox
from log_sentinel.store.engine import Database
from log_sentinel.store.outbox import Recipient
from log_sentinel.store.tables import notifications
from tests.delivery.happenings import NOON, grew, opened, resolved
from tests.delivery.scene import record

LONG_AGO = NOON - timedelta(days=1)
MINUTE = timedelta(minutes=1)


def everybody(_: Happening, __: object) -> list[Recipient]:
    return [Recipient("ops", "slack"), Recipient("mail", "a@example.com"), Recipient("mail", "b@example.com")]


def ops(_: Happening, __: object) -> list[Recipient]:
    return [Recipient("ops", "slack")]


def fan_out(db: Database, route=everybody) -> int:  # type: ignore[no-untyped-def]
    return outbox.fan_out(db, route, NOON, stale_before=LONG_AGO)


def claim(db: Database, channel: str, now: datetime, *, lasting: timedelta, by: str) -> Notification | None:
    claimed = outbox.claim(db, channel, now, lasting=lasting, by=by)
    assert len(claimed) <= 1
    return claimed[0] if claimed else None


def states(db: Database) -> list[tuple[str, str]]:
    with db.read() as connection:
        rows = connection.execute(select(notifications.c.recipient, notifications.c.state).order_by(notifications.c.id))
        return [(row.recipient, row.state) for row in rows]


def test_an_event_becomes_one_notification_for_each_recipient_of_each_channel_and_never_again(
    database: Database,
) -> None:
    record(database, opened(), NOON)
    assert outbox.any_to_fan_out(database)
    assert fan_out(database) == 1
    assert fan_out(database) == 0
    assert not outbox.any_to_fan_out(database)
    expected = [("slack", "pending"), ("a@example.com", "pending"), ("b@example.com", "pending")]
    assert expected == states(database)


def test_a_fan_out_that_fails_half_way_leaves_nothing_half_done(database: Database) -> None:
    record(database, opened(), NOON)
    record(database, opened(key="other"), NOON)

    def breaks(happening: Happening, knowing: object) -> list[Recipient]:
        if happening.incident.key == "other":
            raise RuntimeError("half way")
        return ops(happening, knowing)

    with pytest.raises(RuntimeError):
        fan_out(database, breaks)
    assert states(database) == []
    assert fan_out(database, ops) == 2


def test_events_from_before_anybody_wanted_to_be_told_are_not_told(database: Database) -> None:
    record(database, opened(), NOON - timedelta(days=2))
    assert fan_out(database) == 1
    assert states(database) == []


def test_what_was_recorded_comes_back_whole_when_it_is_claimed(database: Database) -> None:
    number = record(database, opened(), NOON)
    fan_out(database, ops)
    claimed = claim(database, "ops", NOON, lasting=MINUTE, by="edge-1")
    assert claimed is not None
    assert opened(id=number) == claimed.happening
    assert (number, "ops", "slack") == (claimed.incident_id, claimed.channel, claimed.recipient)
    assert (claimed.attempts, claimed.created_at, claimed.opening_ref) == (1, NOON, None)


def test_a_claimed_notification_is_nobody_elses_until_the_claim_lapses(database: Database) -> None:
    record(database, opened(), NOON)
    fan_out(database, ops)
    first = claim(database, "ops", NOON, lasting=MINUTE, by="edge-1")
    assert claim(database, "ops", NOON + 0.9 * MINUTE, lasting=MINUTE, by="edge-2") is None
    assert outbox.next_due(database, "ops") == NOON + MINUTE
    again = claim(database, "ops", NOON + MINUTE, lasting=MINUTE, by="edge-2")
    assert first is not None
    assert again is not None
    assert (first.idempotency_key, 2) == (again.idempotency_key, again.attempts)


def test_a_sender_whose_claim_lapsed_cannot_take_it_back_from_the_one_who_has_it(database: Database) -> None:
    record(database, opened(), NOON)
    fan_out(database, ops)
    slow = claim(database, "ops", NOON, lasting=MINUTE, by="edge-1")
    quick = claim(database, "ops", NOON + MINUTE, lasting=MINUTE, by="edge-2")
    assert slow is not None
    assert quick is not None
    outbox.later(database, [slow], NOON + 2 * MINUTE, "no answer")
    assert states(database) == [("slack", "claimed")]
    outbox.sent(database, [quick], NOON + 2 * MINUTE, "C1:1")
    outbox.undelivered(database, [slow], NOON + 3 * MINUTE, "tried for 24 h")
    assert states(database) == [("slack", "sent")]


def test_a_sender_whose_claim_lapsed_but_who_got_through_has_the_last_word(database: Database) -> None:
    record(database, opened(), NOON)
    fan_out(database, ops)
    slow = claim(database, "ops", NOON, lasting=MINUTE, by="edge-1")
    quick = claim(database, "ops", NOON + MINUTE, lasting=MINUTE, by="edge-2")
    assert slow is not None
    assert quick is not None
    outbox.later(database, [quick], NOON + 2 * MINUTE, "no answer")
    outbox.sent(database, [slow], NOON + 2 * MINUTE, "C1:1")
    assert states(database) == [("slack", "sent")]
    assert outbox.next_due(database, "ops") is None


@pytest.mark.parametrize("state", ["claimed", "pending", "blocked"])
def test_what_follows_waits_until_what_came_before_is_finished(database: Database, state: str) -> None:
    number = record(database, opened(), NOON)
    record(database, grew(), NOON, number)
    fan_out(database, ops)
    first = claim(database, "ops", NOON, lasting=MINUTE, by="edge-1")
    assert first is not None
    if state == "pending":
        outbox.later(database, [first], NOON + MINUTE, "no answer")
    if state == "blocked":
        outbox.blocked(database, [first], NOON + MINUTE, "token revoked")
    assert claim(database, "ops", NOON, lasting=MINUTE, by="edge-1") is None
    assert outbox.next_due(database, "ops") == NOON + MINUTE


def test_what_is_given_up_holds_nothing_back(database: Database) -> None:
    number = record(database, opened(), NOON)
    record(database, grew(), NOON, number)
    fan_out(database, ops)
    first = claim(database, "ops", NOON, lasting=MINUTE, by="edge-1")
    assert first is not None
    outbox.undelivered(database, [first], NOON, "refused")
    second = claim(database, "ops", NOON, lasting=MINUTE, by="edge-1")
    assert second is not None
    assert (first.event_id + 1, None) == (second.event_id, second.opening_ref)


def test_one_incident_does_not_wait_for_another(database: Database) -> None:
    slow = record(database, opened(), NOON)
    record(database, grew(), NOON, slow)
    other = record(database, opened(key="other"), NOON)
    fan_out(database, ops)
    order = []
    while (claimed := claim(database, "ops", NOON, lasting=MINUTE, by="edge-1")) is not None:
        order.append(claimed.incident_id)
    assert [slow, other] == order


def test_later_steps_know_the_newest_mark_of_their_incidents_message(database: Database) -> None:
    number = record(database, opened(), NOON)
    record(database, grew(), NOON, number)
    record(database, resolved(), NOON, number)
    fan_out(database, ops)
    marks = []
    while (claimed := claim(database, "ops", NOON, lasting=MINUTE, by="edge-1")) is not None:
        marks.append(claimed.opening_ref)
        outbox.sent(database, [claimed], NOON, f"C1:{claimed.event_id}")
    assert [None, "C1:1", "C1:2"] == marks


def test_when_a_channel_works_again_what_waits_is_due_in_the_order_it_was_made(database: Database) -> None:
    numbers = [record(database, opened(key=key), NOON) for key in ("a", "b", "c")]
    fan_out(database, ops)
    for minutes in (9, 5, 7):
        claimed = claim(database, "ops", NOON, lasting=MINUTE, by="edge-1")
        assert claimed is not None
        outbox.later(database, [claimed], NOON + minutes * MINUTE, "no answer")
    assert claim(database, "ops", NOON, lasting=MINUTE, by="edge-1") is None
    assert outbox.hasten(database, "ops") == 3
    order = [claim(database, "ops", NOON, lasting=MINUTE, by="edge-1") for _ in numbers]
    assert numbers == [one.incident_id for one in order if one is not None]


def test_what_waits_for_a_channel_that_is_gone_is_given_up_after_its_time(database: Database) -> None:
    record(database, opened(), NOON)
    fan_out(database, ops)
    assert outbox.give_up_abandoned(database, ["mail"], NOON) == 0
    assert outbox.give_up_abandoned(database, ["ops"], NOON + MINUTE) == 0
    assert outbox.give_up_abandoned(database, ["mail"], NOON + MINUTE) == 1
    assert states(database) == [("slack", NotificationState.UNDELIVERED)]


def test_standings_say_what_waits_what_failed_and_why(database: Database) -> None:
    record(database, opened(), NOON)
    record(database, opened(key="other"), NOON)
    fan_out(database, ops)
    first = claim(database, "ops", NOON, lasting=MINUTE, by="edge-1")
    assert first is not None
    outbox.sent(database, [first], NOON + MINUTE, "C1:1")
    second = claim(database, "ops", NOON, lasting=MINUTE, by="edge-1")
    assert second is not None
    outbox.blocked(database, [second], NOON + MINUTE, "the token was revoked")
    expected = outbox.Standing(1, 1, 1, 0, NOON, NOON + MINUTE, "the token was revoked")
    assert {"ops": expected} == outbox.standings(database)
