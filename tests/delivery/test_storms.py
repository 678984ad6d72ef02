"""Much at once, silences, escalation, nights: how many messages people get, and which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from log_sentinel.delivery.settings import Route
from log_sentinel.delivery.slack.settings import SlackSettings
from log_sentinel.delivery.undeliverable import Undeliverable
from log_sentinel.model.incident import IncidentState
from log_sentinel.model.spike import Severity
from log_sentinel.store import incidents
from tests.delivery.happenings import NOON, acknowledged, grew, opened, resolved
from tests.delivery.scene import Noting, Scene

if TYPE_CHECKING:
    from log_sentinel.delivery.undeliverable import Retry
    from log_sentinel.store.engine import Database

NIGHT = {"since": "10:00", "until": "18:00", "up_to": "warning"}


def test_a_storm_is_one_message_with_the_worst_first_and_the_others_counted(database: Database) -> None:
    scene = Scene(database, "ops")
    for number in range(40):
        scene.happens(opened(key=f"client {number}", observed=100 + number, total=200))
    scene.delivery.step()
    (message,) = scene.channels["ops"].messages
    assert str(message.summary) == "40 incidents (40 open), 8,000 denials in all."
    assert "client 39" in str(message.figures[0].value)
    assert str(message.figures[-1].value) == "32 other incidents with 6,400 denials"
    assert (message.number, message.merged) == (None, 40)


def test_a_thousand_incidents_at_once_are_a_handful_of_messages(database: Database) -> None:
    scene = Scene(database, "ops")
    for first in range(0, 1000, 200):
        happenings = [opened(key=f"client {number}", id=None) for number in range(first, first + 200)]
        with database.write() as connection:
            incidents.record(connection, [], [one.incident for one in happenings], happenings, scene.clock())
    for _ in range(10):
        scene.delivery.step()
    assert sum(message.merged for message in scene.channels["ops"].messages) == 1000
    assert len(scene.channels["ops"].messages) <= 10


def test_what_follows_a_storm_stands_on_its_own(database: Database) -> None:
    scene = Scene(database, ops=Noting(collapse_after=2))
    numbers = [scene.happens(opened(key=key)) for key in "abc"]
    scene.delivery.step()
    scene.next(numbers[0], resolved(key="a"))
    scene.delivery.step()
    last = scene.channels["ops"].told[-1]
    assert (numbers[0], None) == (last.incident_id, last.opening_ref)


def test_after_an_outage_an_incident_is_told_as_it_stands_in_one_message(database: Database) -> None:
    scene = Scene(database, "ops")
    scene.channels["ops"].always = Undeliverable("later", "example.com: connection refused")
    number = scene.happens(opened(), grew())
    scene.delivery.step()
    scene.clock.step(minutes=60)
    scene.next(number, resolved())
    scene.channels["ops"].always = None
    for _ in range(3):
        scene.delivery.step()
    assert [(number, "resolved")] == scene.told()
    assert scene.channels["ops"].messages[0].merged == 3


def test_one_that_may_have_arrived_is_told_again_as_it_was(database: Database) -> None:
    scene = Scene(database, "ops")
    scene.channels["ops"].script.append(Undeliverable("later", "no answer", unclear=True))
    number = scene.happens(opened(), resolved())
    scene.delivery.step()
    scene.clock.step(minutes=10)
    scene.delivery.step()
    assert [(number, "opened"), (number, "resolved")] == scene.told()
    assert [one.unclear for one in scene.channels["ops"].told] == [True, False]


def test_in_quiet_hours_nothing_mild_is_told_and_at_their_end_all_of_it_in_one(database: Database) -> None:
    scene = Scene(database, ops=Noting.model_validate({"quiet": NIGHT}))
    loud = scene.happens(opened(severity=Severity.CRITICAL))
    for key in "abc":
        scene.happens(opened(severity=Severity.WARNING, key=key))
    scene.delivery.step()
    assert [(loud, "opened")] == scene.told()
    scene.clock.step(hours=6)
    scene.delivery.step()
    assert len(scene.channels["ops"].messages) == 2
    assert str(scene.channels["ops"].messages[1].summary) == "3 incidents (3 open), 1,302 denials in all."


def test_a_digest_gathers_what_is_informative_only(database: Database) -> None:
    scene = Scene(database, ops=Noting.model_validate({"digest": {"every": "1h"}}))
    for key in "ab":
        scene.happens(opened(severity=Severity.INFO, key=key))
    number = scene.happens(opened(severity=Severity.WARNING, key="c"))
    scene.delivery.step()
    assert [(number, "opened")] == scene.told()
    scene.clock.step(hours=1)
    scene.delivery.step()
    assert str(scene.channels["ops"].messages[1].summary) == "2 incidents (2 open), 868 denials in all."


def muting_acme(scene: Scene) -> None:
    scene.delivery._muting = lambda _: lambda incident: incident.key == "acme-prod"


def test_a_silence_mutes_the_notifications(database: Database) -> None:
    scene = Scene(database, "ops")
    muting_acme(scene)
    scene.happens(opened(), grew(), resolved())
    other = scene.happens(opened(key="other"))
    scene.delivery.step()
    assert [(other, "opened")] == scene.told()


def test_who_was_told_of_the_beginning_is_told_of_the_end_also_under_a_silence(database: Database) -> None:
    scene = Scene(database, "ops")
    number = scene.happens(opened())
    scene.delivery.step()
    muting_acme(scene)
    scene.next(number, grew())
    scene.next(number, resolved())
    scene.delivery.step()
    assert [(number, "opened"), (number, "resolved")] == scene.told()


ESCALATION = [
    Route(to=["ops"]),
    Route.model_validate({"match": {"severity": "critical"}, "to": ["pager"], "unacknowledged_for": "15m"}),
]


def test_what_nobody_acknowledges_is_told_to_others_once_and_they_hear_the_end(database: Database) -> None:
    scene = Scene(database, "ops", "pager", routing=ESCALATION)
    number = scene.happens(opened())
    mild = scene.happens(opened(severity=Severity.WARNING, key="mild"))
    scene.delivery.step()
    scene.clock.step(minutes=14)
    scene.delivery.step()
    assert scene.told("pager") == []
    scene.clock.step(minutes=1)
    for _ in range(3):
        scene.delivery.step()
    assert [(number, "opened")] == scene.told("pager")
    scene.next(number, resolved())
    scene.next(mild, resolved(severity=Severity.WARNING, key="mild"))
    scene.delivery.step()
    assert [(number, "opened"), (number, "resolved")] == scene.told("pager")


def test_an_escalation_says_that_nobody_has_acknowledged_it(database: Database) -> None:
    scene = Scene(database, "ops", "pager", routing=ESCALATION)
    scene.happens(opened())
    scene.delivery.step()
    scene.clock.step(minutes=15)
    scene.delivery.step()
    ours, theirs = scene.channels["ops"].messages[0], scene.channels["pager"].messages[0]
    assert f"Nobody has acknowledged it for 15 min. {ours.headline}" == str(theirs.headline)
    assert str(theirs.summary).startswith("Nobody has acknowledged it for 15 min. Client acme-prod was denied")


def test_who_was_told_when_it_was_milder_hears_the_end_too(database: Database) -> None:
    routing = [
        Route.model_validate({"match": {"severity": "warning"}, "to": ["mild"]}),
        Route.model_validate({"match": {"severity": "critical"}, "to": ["grave"]}),
        Route.model_validate({"match": {"severity": "critical", "kind": "opened"}, "to": ["openings"]}),
    ]
    scene = Scene(database, "mild", "grave", "openings", routing=routing)
    number = scene.happens(opened(severity=Severity.WARNING))
    scene.delivery.step()
    scene.next(number, grew())
    scene.next(number, resolved())
    scene.delivery.step()
    assert [(number, "opened"), (number, "resolved")] == scene.told("mild")
    assert [(number, "grew"), (number, "resolved")] == scene.told("grave")
    assert [] == scene.told("openings")


def test_what_somebody_has_acknowledged_goes_no_further(database: Database) -> None:
    scene = Scene(database, "ops", "pager", routing=ESCALATION)
    number = scene.happens(opened())
    scene.delivery.step()
    incidents.change(database, number, lambda incident: acknowledged(key=incident.key, id=incident.id), scene.clock())
    assert incidents.show(database, number).incident.state == IncidentState.ACKNOWLEDGED
    scene.clock.step(minutes=30)
    scene.delivery.step()
    assert scene.told("pager") == []


def test_an_hour_of_outage_in_a_storm_ends_in_order_within_the_pace_and_collapsed(database: Database) -> None:
    scene = Scene(database, "ops")
    channel = scene.channels["ops"]
    channel.pace_seconds = 1.0
    scene.started_again()
    channel.always = Undeliverable("later", "example.com: connection refused")
    numbers = []
    for minute in range(60):
        numbers.append(scene.happens(opened(key=f"client {minute}")))
        scene.delivery.step()
        scene.clock.step(minutes=1)
    channel.always = None
    scene.clock.step(minutes=15)
    for _ in range(10):
        scene.delivery.step()
        scene.clock.step(seconds=1)
    assert sum(message.merged for message in channel.messages) == 60
    assert len(channel.messages) <= 3


@pytest.mark.parametrize("terms", [{}, {"collapse_after": 3}])
def test_every_channel_has_these_terms(terms: dict[str, int]) -> None:
    settings = SlackSettings.model_validate({"token": "xoxb-x", "channel": "#x", **terms})
    assert terms.get("collapse_after", 10) == settings.collapse_after
    assert settings.not_before(opened(), NOON) is None


DOWN = Undeliverable("later", "example.com: connection refused")


def with_fallback(database: Database) -> Scene:
    return Scene(database, ops=Noting(fallback="mail"), mail=Noting(), routing=[Route(to=["ops"])])


def test_what_waits_too_long_for_a_channel_that_is_down_is_told_by_its_fallback(database: Database) -> None:
    scene = with_fallback(database)
    scene.channels["ops"].always = DOWN
    number = scene.happens(opened())
    for _ in range(4):
        scene.delivery.step()
        scene.clock.step(minutes=1)
    assert scene.told("mail") == []
    for _ in range(40):
        scene.delivery.step()
        scene.clock.step(minutes=1)
    assert [(number, "opened")] == scene.told("mail")


@pytest.mark.parametrize("retry", ["when_fixed", "never"])
def test_what_needs_somebody_or_is_refused_is_told_by_the_fallback_at_once(database: Database, retry: Retry) -> None:
    scene = with_fallback(database)
    scene.channels["ops"].script.append(Undeliverable(retry, "no such channel"))
    number = scene.happens(opened())
    scene.delivery.step()
    scene.delivery.step()
    assert [(number, "opened")] == scene.told("mail")


def test_who_was_told_by_the_fallback_hears_the_end_and_nothing_else_of_the_channel(database: Database) -> None:
    scene = with_fallback(database)
    scene.channels["ops"].script.append(Undeliverable("when_fixed", "no such channel"))
    number = scene.happens(opened())
    scene.delivery.step()
    other = scene.happens(opened(key="other"))
    scene.clock.step(minutes=6)
    scene.next(number, resolved())
    for _ in range(3):
        scene.delivery.step()
    assert [(number, "opened"), (number, "resolved")] == scene.told("mail")
    assert (other, "opened") in scene.told("ops")


def test_a_fallback_that_is_no_channel_is_said_and_changes_nothing(database: Database) -> None:
    scene = Scene(database, ops=Noting(fallback="nowhere"))
    scene.channels["ops"].script.append(DOWN)
    number = scene.happens(opened())
    scene.delivery.step()
    scene.clock.step(minutes=1)
    scene.delivery.step()
    assert [(number, "opened")] == scene.told()
