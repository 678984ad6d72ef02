"""What a running daemon tells Prometheus, against the page and the rules that speak of it."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path

from tests.end_to_end.numbered_log import NumberedLog
from tests.end_to_end.running import BEGAN, a_daemon, number, settings_file

ROOT = Path(__file__).resolve().parents[2]


def test_every_metric_is_on_the_page_and_every_metric_of_the_rules_exists(tmp_path: Path) -> None:
    log = NumberedLog(tmp_path / "access.log", seed=5, began=BEGAN)
    log.write(100)
    url = f"sqlite:///{tmp_path}/sentinel.db"
    settings = settings_file(
        tmp_path / "etc",
        f'[sources.edge]\npath = "{log.path}"\nformat = "nginx-combined"\nstart = "beginning"\n'
        '[channels.here]\ntype = "console"\n',
        url=url,
    )
    with a_daemon(settings) as daemon:
        daemon.wait_until(lambda: number(url, "select sum(n) from traffic") == 100, "the lines")
        web = daemon.wait_until(
            lambda: next((event["web"] for event in daemon.events if "web" in event), None), "the address of its pages"
        )
        with urllib.request.urlopen(f"{web}metrics", timeout=10) as answer:
            text = answer.read().decode()

    samples = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    # a counter without samples yet is known by its type alone; when each series began is Prometheus' own business
    typed = re.findall(r"^# TYPE (\w+) (\w+)", text, re.MULTILINE)
    exposed = {name for name in samples if not name.endswith("_created")} | {
        name + ("_total" if kind == "counter" and not name.endswith("_total") else "") for name, kind in typed
    }
    page = set(re.findall(r"^\| `(log_sentinel_\w+)` \|", (ROOT / "docs" / "monitoring.md").read_text(), re.MULTILINE))
    assert page == {name for name in exposed if name.startswith("log_sentinel")}
    rules = set(re.findall(r"\blog_sentinel_\w+", (ROOT / "deploy" / "prometheus" / "rules.yml").read_text()))
    assert set() == rules - exposed
    assert 'log_sentinel_lines_total{source="edge"} 100.0' in text
