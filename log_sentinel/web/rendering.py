"""The HTML pages: templates of web/pages, in which everything printed is escaped."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from log_sentinel.delivery.message.text import Phrase, Quoted

if TYPE_CHECKING:
    import jinja2


def page_file(name: str) -> str:
    """The file `name` of web/pages."""
    return resources.files("log_sentinel.web").joinpath("pages", name).read_text(encoding="utf-8")


def rendered(name: str, **values: object) -> str:
    """The page `name` with `values`; what came out of a log (`Quoted`) is shown as code."""
    return _pages().get_template(name).render(**values)


@cache
def _pages() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FunctionLoader(page_file),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: object) -> Markup:
    if isinstance(value, Phrase):
        return Markup("").join(map(_shown, value.parts))
    return Markup("<code>{}</code>").format(str(value)) if isinstance(value, Quoted) else escape(value)
