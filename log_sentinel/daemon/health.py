"""How the running daemon is, part by part, for /healthz: what is the matter and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.web.health import Health, Part, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from log_sentinel.daemon.ingest import Reading
    from log_sentinel.daemon.jobs import JobState
    from log_sentinel.daemon.pipelines import Pipelines
    from log_sentinel.delivery.loop import Delivery
    from log_sentinel.model.silence import Silence


def of_daemon(
    readings: Sequence[Reading],
    ingest: Pipelines,
    jobs: Mapping[str, JobState],
    delivery: Delivery,
    maintenance: Iterable[Silence] = (),
) -> Health:
    """The state of all parts; asked for from any thread. `maintenance`: the windows that are under way."""
    parts = (
        *(part for reading in readings for part in _source(reading)),
        _database(ingest),
        *(_job(name, state) for name, state in list(jobs.items())),
        *_channels(delivery),
        *(
            Part(one.who, State.OK, f"mutes what it matches until {one.ends_at:%Y-%m-%d %H:%M} UTC. {one.why}".rstrip())
            for one in maintenance
        ),
    )
    return Health(parts=tuple(parts), ready=ingest.waiting_for_database is None and not ingest.ended)


def _source(reading: Reading) -> Iterable[Part]:
    name = f"source {reading.source.name}"
    if reading.format_unknown:
        yield Part(
            name,
            State.FAILING,
            "no known format reads its lines; they wait where they are",
            "Set format or log_format of the source; `log-sentinel formats list` shows what there is.",
        )
        return
    problems = reading.source.problems()
    for problem in problems:
        yield Part(name, State.TROUBLED, f"{problem.where}: {problem.found}", problem.to_do)
    if not problems:
        yield Part(name, State.OK, f"{reading.source.behind()} bytes behind")


def _database(ingest: Pipelines) -> Part:
    if ingest.waiting_for_database is not None:
        return Part(
            "database",
            State.FAILING,
            ingest.waiting_for_database,
            "Nothing is lost: the log files keep the lines, and senders try again.",
        )
    return Part("database", State.OK)


def _job(name: str, state: JobState) -> Part:
    if state.failing_since is not None:
        return Part(
            f"job {name}",
            State.TROUBLED,
            f"fails since {state.failing_since:%Y-%m-%d %H:%M:%S} UTC: {state.last_error}",
            "Look at the daemon's log; the job is tried again at its next time.",
        )
    return Part(f"job {name}", State.OK)


def _channels(delivery: Delivery) -> Iterable[Part]:
    for name, state in delivery.states().items():
        if state.reason is None and not state.given_up:
            yield Part(f"channel {name}", State.OK)
        elif state.reason is None:
            recipient, why = next(iter(state.given_up.items()))
            yield Part(
                f"channel {name}",
                State.TROUBLED,
                f"gave up a message to {recipient}: {why}",
                "`log-sentinel incidents list` has what it told of. Mended when the next one gets through.",
            )
        else:
            yield Part(
                f"channel {name}",
                State.TROUBLED,
                f"cannot deliver: {state.reason}",
                f"`log-sentinel channels test {name}` tries it and says what is wrong.",
            )
        if state.deaf is not None:
            yield Part(
                f"buttons of {name}",
                State.TROUBLED,
                f"not heard: {state.deaf}",
                "`log-sentinel incidents ack`, `silence` and `resolve` do the same meanwhile.",
            )
