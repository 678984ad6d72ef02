import threading
from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

from log_sentinel.daemon.jobs import Jobs
from log_sentinel.store.faults import DatabaseUnavailable


def test_a_job_that_fails_runs_again_and_leaves_the_others_alone() -> None:
    jobs = Jobs()
    failed_twice, other_ran = threading.Event(), threading.Event()

    def failing(_: datetime) -> None:
        if jobs.states["failing"].failures == 1:
            failed_twice.set()
        raise ValueError("no such minute")

    jobs.every(timedelta(milliseconds=10), "failing", failing)
    jobs.every(timedelta(milliseconds=10), "other", lambda _: other_ran.set())
    jobs.start()
    try:
        assert failed_twice.wait(30)
        assert other_ran.wait(30)
    finally:
        jobs.stop()

    assert jobs.states["failing"].last_error == "ValueError: no such minute"
    assert jobs.states["failing"].last_success is None
    assert jobs.states["other"].failures == 0


def test_a_job_that_works_again_is_healthy_again() -> None:
    jobs = Jobs()
    works_again = threading.Event()

    def recovering(_: datetime) -> None:
        state = jobs.states["recovering"]
        if state.runs == 1:
            raise ValueError("not yet")
        if state.runs == 3:
            works_again.set()

    jobs.every(timedelta(milliseconds=10), "recovering", recovering)
    jobs.start()
    try:
        assert works_again.wait(30)
    finally:
        jobs.stop()

    assert jobs.states["recovering"].failing_since is None
    assert jobs.states["recovering"].last_error is None
    assert jobs.states["recovering"].failures == 1


def test_a_long_run_hears_that_it_is_to_end() -> None:
    jobs = Jobs()
    runs, heard = threading.Event(), threading.Event()

    def long(_: datetime) -> None:
        runs.set()
        if jobs.stopping.wait(30):
            heard.set()

    jobs.every(timedelta(hours=1), "long", long, at_once=True)
    jobs.start()
    assert runs.wait(30)
    jobs.stop()

    assert heard.is_set()


def test_a_job_that_fails_again_and_again_is_logged_once_and_a_database_that_is_away_in_its_own_words() -> None:
    jobs = Jobs()
    failed_often = threading.Event()
    away = DatabaseUnavailable("sqlite:///x.db", "locked.")

    def failing(_: datetime) -> None:
        if jobs.states["failing"].failures == 5:
            failed_often.set()
        if jobs.states["failing"].failures < 2:
            raise ValueError("no such minute")
        raise away

    jobs.every(timedelta(milliseconds=10), "failing", failing)
    with capture_logs() as told:
        jobs.start()
        assert failed_often.wait(30)
        jobs.stop()

    assert ["ValueError: no such minute", f"DatabaseUnavailable: {away}"] == [one["reason"] for one in told]
    assert [True, False] == [one["exc_info"] is not None for one in told]


def test_a_job_asked_for_at_once_does_not_wait_for_its_interval() -> None:
    jobs = Jobs()
    given: list[datetime] = []
    ran = threading.Event()

    def look(now: datetime) -> None:
        given.append(now)
        ran.set()

    jobs.every(timedelta(hours=1), "look", look, at_once=True)
    jobs.start()
    try:
        assert ran.wait(30)
    finally:
        jobs.stop()

    assert given[0].tzinfo == UTC
