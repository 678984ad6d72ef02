"""Pictures of the messages for docs/alerts.md: python -m tests.delivery.pictures FOLDER. Needs a Chromium.

The mail is its own HTML. Slack's blocks are laid out as Slack does it, near enough to judge length and order.
"""

from __future__ import annotations

import base64
import html
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from log_sentinel.delivery.charts.drawing import drawn
from log_sentinel.delivery.email.message import Letters
from log_sentinel.delivery.message.listing import compose_list
from log_sentinel.delivery.slack.message import Layout
from log_sentinel.store.incidents import History
from log_sentinel.web.incidents import page as incident_page
from log_sentinel.web.rendering import page_file
from tests.delivery.happenings import DASHBOARD, NOON, acknowledged, grew, message, notification, opened, resolved
from tests.delivery.stories import MATTERS, SAMPLES
from tests.delivery.test_golden import numbered

if TYPE_CHECKING:
    from log_sentinel.delivery.message.message import Message

STYLE = """
body{margin:0;padding:18px;background:#fff;font:15px/1.46 Lato,"Noto Sans","DejaVu Sans",sans-serif;color:#1d1c1d}
.from{font-weight:700;margin-bottom:2px}.app{font-size:10px;background:#ddd;padding:1px 3px;border-radius:2px}
.header{font-size:18px;font-weight:700;margin:6px 0}.section{margin:8px 0;white-space:pre-line}
.fields{display:grid;grid-template-columns:1fr 1fr;gap:6px 18px;margin:8px 0}.context{color:#616061;font-size:13px}
code{font:12px "DejaVu Sans Mono",monospace;color:#c01343;background:#f6f6f6;border:1px solid #ddd;border-radius:3px;
padding:1px 3px;overflow-wrap:anywhere}.thread{margin-left:44px;border-left:3px solid #ddd;padding-left:12px}
.phone{background:#222;color:#fff;border-radius:14px;padding:10px 14px;font-size:13px;margin-bottom:16px}
a{color:#1264a3}img{max-width:560px;height:auto}.actions{margin:10px 0}
.button{display:inline-block;border:1px solid #bbb;border-radius:4px;padding:4px 12px;margin-right:8px;font-weight:700;
font-size:13px}
"""


def mrkdwn(text: str) -> str:
    """Slack's markup as HTML; the text is escaped already."""
    text = re.sub(r"<!date\^\d+\^[^|]*\|([^>]*)>", r"\1", text)
    text = re.sub(r"<(https?://[^|>]*)\|([^>]*)>", r'<a href="\1">\2</a>', text)
    parts = re.split(r"(`[^`]*`)", text)
    coded = [f"<code>{part[1:-1]}</code>" if part.startswith("`") else part for part in parts]
    return re.sub(r"(?m)_(and [\d,]+ more)_", r"<i>\1</i>", re.sub(r"\*([^*]+)\*", r"<b>\1</b>", "".join(coded)))


def block(one: dict[str, Any]) -> str:
    if one["type"] == "header":
        return f'<div class="header">{one["text"]["text"]}</div>'
    if one["type"] == "actions":
        return actions(one)
    if one["type"] == "image":
        return image(one)
    if one["type"] == "context":
        return f'<div class="context">{mrkdwn(one["elements"][0]["text"])}</div>'
    if "fields" in one:
        return '<div class="fields">' + "".join(f"<div>{mrkdwn(f['text'])}</div>" for f in one["fields"]) + "</div>"
    return f'<div class="section">{mrkdwn(one["text"]["text"])}</div>'


def actions(one: dict[str, Any]) -> str:
    buttons = "".join(f'<span class="button">{button["text"]["text"]}</span>' for button in one["elements"])
    return f'<div class="actions">{buttons}</div>'


def image(one: dict[str, Any]) -> str:
    """The chart: the file's ID is its data here."""
    title, source = one["title"]["text"], one["slack_file"]["id"]
    return f'<div class="section"><div class="context">{title}</div><img src="{source}"></div>'


def chart_of(told: Message) -> str | None:
    png = drawn(told.chart) if told.chart is not None else None
    return f"data:image/png;base64,{base64.b64encode(png).decode()}" if png else None


def post(payload: dict[str, Any], kind: str = "") -> str:
    blocks = "".join(map(block, payload["blocks"]))
    return f'<div class="{kind}"><div class="from">log-sentinel <span class="app">APP</span></div>{blocks}</div>'


def page(*parts: str) -> str:
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><body>{''.join(parts)}"


def phone(payload: dict[str, Any]) -> str:
    """The line of a phone's lock screen: the fallback text."""
    return f'<div class="phone"><b>Slack</b> #api-alerts<br>{html.unescape(payload["text"])}</div>'


def mail_of(told: Message) -> str:
    """The mail's page, its picture put in the place of the reference to it."""
    chart = drawn(told.chart) if told.chart is not None else None
    mail = Letters("log-sentinel@example.com").letter(told, "oncall@example.com", None, NOON, chart)
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content()).replace(f"cid:chart.{told.key}.log-sentinel", chart_of(told) or "")


def pages() -> dict[str, str]:
    """Name -> HTML."""
    layout = Layout(heard=True)
    kinds = {name: message(happening, sample=SAMPLES.get(name)) for name, happening in MATTERS.items()}
    alert = layout.incident(message(opened()), chart_of(message(opened())))
    over = layout.incident(message(resolved()), chart_of(message(resolved())))
    steps = [layout.step(message(step)) for step in (grew(), resolved())]
    stories = [*MATTERS.values(), opened(), resolved()]
    several = [replace(notification(numbered(at, one)), incident_id=at) for at, one in enumerate(stories, 1047)]
    listed = layout.incident(compose_list(several, instance="kong-eu-1", now=NOON, dashboard=DASHBOARD))
    return {
        "alert-slack": page(phone(alert), post(alert)),
        "alert-slack-resolved": page(post(over), *(post(one, "thread") for one in steps)),
        "alert-slack-several": page(post(listed)),
        "alert-mail": mail_of(message(opened())),
        "incident-page": page_of_its_own(),
        **{f"kind-{name}-slack": page(phone(told), post(told)) for name, told in slack_of(layout, kinds)},
        **{f"kind-{name}-mail": mail_of(told) for name, told in kinds.items()},
    }


def page_of_its_own() -> str:
    """The page of an incident, its style within it."""
    history = History(opened().incident, (opened(), grew(), acknowledged()))
    link = '<link rel="stylesheet" href="../pages/index.css">'
    shown = incident_page(history, message(opened(), dashboard=None))
    return shown.replace(link, f"<style>{page_file('index.css')}</style>")


def slack_of(layout: Layout, kinds: dict[str, Message]) -> list[tuple[str, dict[str, Any]]]:
    return [(name, layout.incident(told, chart_of(told))) for name, told in kinds.items()]


def main(folder: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium: install one, as in apt install chromium")
    with sync_playwright() as browsers:
        # root has no sandbox; the pages are our own and fetch nothing
        browser = browsers.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        paper = browser.new_page(viewport={"width": 760, "height": 100}, device_scale_factor=1)
        for name, text in pages().items():
            paper.set_content(text)
            paper.screenshot(path=folder / f"{name}.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
