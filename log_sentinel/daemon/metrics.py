"""The daemon's figures for Prometheus, read off its tallies when somebody scrapes.

Labels hold names from the settings and from our own code, never anything a log line said: there are few series.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from log_sentinel import __version__
from log_sentinel.sources.push import Push
from log_sentinel.sources.syslog import Syslog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from prometheus_client.metrics_core import Metric

    from log_sentinel.daemon.jobs import JobState
    from log_sentinel.daemon.patience import Patience
    from log_sentinel.daemon.tally import Tally
    from log_sentinel.delivery.loop import Delivery
    from log_sentinel.sources.source import Source


class DaemonMetrics(Collector):
    """What ingest, sources and jobs count; register it with a CollectorRegistry of one's own."""

    def __init__(
        self,
        tally: Tally,
        sources: Sequence[Source],
        jobs: Mapping[str, JobState],
        delivery: Delivery,
        patience: Patience,
        rule_failures: Callable[[], int] = lambda: 0,
        cut: Callable[[], int] = lambda: 0,
    ) -> None:
        self._tally = tally
        self._patience = patience
        self._rule_failures = rule_failures
        self._cut = cut
        self._sources = sources
        self._jobs = jobs
        self._delivery = delivery

    def collect(self) -> Iterable[Metric]:
        yield InfoMetricFamily("log_sentinel_build", "What runs here.", {"version": __version__})
        yield from self._ingest()
        yield from self._source_states()
        yield from self._job_states()
        yield from self._channel_states()

    def _ingest(self) -> Iterable[Metric]:
        by_source = {
            "lines": "Lines read and accounted for in the database.",
            "bytes": "Bytes of log read and accounted for in the database.",
            "denials": "Denied requests stored.",
            "candidates": "Requests kept for a while in case an error log proves them denied.",
        }
        for what, text in by_source.items():
            counter = CounterMetricFamily(f"log_sentinel_{what}", text, labels=["source"])
            for name, one in list(self._tally.sources.items()):
                counter.add_metric([name], getattr(one, what))
            yield counter
        rejects = CounterMetricFamily(
            "log_sentinel_rejected_lines", "Lines nobody could read.", labels=["source", "reason"]
        )
        for name, one in list(self._tally.sources.items()):
            for reason, n in list(one.rejects.items()):
                rejects.add_metric([name, reason], n)
        yield rejects
        yield CounterMetricFamily("log_sentinel_commits", "Transactions that brought lines in.", self._tally.commits)
        yield CounterMetricFamily(
            "log_sentinel_commit_failures", "Commits that had to be tried again.", self._tally.commit_failures
        )
        yield CounterMetricFamily(
            "log_sentinel_duplicate_denials",
            "Denials met a second time and not stored again. Anything but 0 is a fault.",
            self._tally.duplicates,
        )
        yield GaugeMetricFamily(
            "log_sentinel_database_away",
            "1 while lines wait for the database to answer.",
            self._patience.waiting is not None,
        )
        yield CounterMetricFamily(
            "log_sentinel_database_away_seconds",
            "How long lines waited for the database to answer.",
            self._patience.seconds_waited,
        )
        yield CounterMetricFamily(
            "log_sentinel_rule_failures",
            "Minutes in which a rule failed and was left out. Anything but 0 is a fault.",
            self._rule_failures(),
        )
        yield CounterMetricFamily(
            "log_sentinel_denials_cut",
            "Denials that detection did not count by key, because their minute had too many keys.",
            self._cut(),
        )

    def _source_states(self) -> Iterable[Metric]:
        behind = GaugeMetricFamily("log_sentinel_bytes_behind", "Bytes known but not read yet.", labels=["source"])
        problems = GaugeMetricFamily("log_sentinel_source_problems", "Files that cannot be read.", labels=["source"])
        for source in self._sources:
            behind.add_metric([source.name], source.behind())
            problems.add_metric([source.name], len(source.problems()))
        yield behind
        yield problems
        yield self._answers()
        yield from self._syslog()

    def _answers(self) -> Metric:
        answers = CounterMetricFamily(
            "log_sentinel_push_answers", "Requests of senders, by what was answered.", labels=["source", "status"]
        )
        for source in self._sources:
            if isinstance(source, Push):
                for status, n in list(source.answers.items()):
                    answers.add_metric([source.name, str(status)], n)
        return answers

    def _syslog(self) -> Iterable[Metric]:
        dropped = CounterMetricFamily(
            "log_sentinel_dropped_datagrams", "Datagrams the kernel dropped: it had no room.", labels=["source"]
        )
        refused = CounterMetricFamily(
            "log_sentinel_refused_senders", "Datagrams and connections of who may not send.", labels=["source"]
        )
        for source in self._sources:
            if isinstance(source, Syslog):
                dropped.add_metric([source.name], source.dropped)
                refused.add_metric([source.name], source.refused)
        yield dropped
        yield refused

    def _job_states(self) -> Iterable[Metric]:
        runs = CounterMetricFamily("log_sentinel_job_runs", "Runs begun.", labels=["job"])
        failures = CounterMetricFamily("log_sentinel_job_failures", "Runs that failed.", labels=["job"])
        success = GaugeMetricFamily(
            "log_sentinel_job_last_success_timestamp_seconds", "When a run last ended well.", labels=["job"]
        )
        for name, state in list(self._jobs.items()):
            runs.add_metric([name], state.runs)
            failures.add_metric([name], state.failures)
            if state.last_success is not None:
                success.add_metric([name], state.last_success.timestamp())
        yield runs
        yield failures
        yield success

    def _channel_states(self) -> Iterable[Metric]:
        notifications = CounterMetricFamily(
            "log_sentinel_notifications", "Messages, by what became of the attempt.", labels=["channel", "outcome"]
        )
        failing = GaugeMetricFamily(
            "log_sentinel_channel_failing", "1 while a channel cannot deliver.", labels=["channel"]
        )
        deaf = GaugeMetricFamily(
            "log_sentinel_buttons_failing", "1 while a channel's buttons are not heard.", labels=["channel"]
        )
        for name, state in self._delivery.states().items():
            deaf.add_metric([name], state.deaf is not None)
            for outcome in ("sent", "failed", "undelivered"):
                notifications.add_metric([name, outcome], getattr(state, outcome))
            failing.add_metric([name], state.reason is not None)
        yield notifications
        yield failing
        yield deaf
