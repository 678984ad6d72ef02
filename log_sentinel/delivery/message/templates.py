"""Templates: how a message looks on a channel. They lie in `alerts/templates/CHANNEL/`.

What a template prints is made safe by the channel's `show`, for every value and whatever the template does: our words
are escaped, values from a log are shown as data. A template is never made from data, and runs in jinja's sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import structlog
from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from log_sentinel.content import shipped
from log_sentinel.delivery.message.text import Phrase

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jinja2 import Template

    from log_sentinel.delivery.message.message import Message

T = TypeVar("T")
log = structlog.get_logger(__name__)

# Each makes markup of data, or a link of a log's text.
UNSAFE_FILTERS = ("safe", "urlize", "xmlattr", "tojson")


class Templates:
    """The templates of one channel, printing by `show`: a word (`str`) or a value from a log (`Quoted`), ready for
    the channel.

    `own`: a folder of the user's whose files take the place of the shipped ones of the same name. Such a file may say
    `{% extends "shipped/incident.html.j2" %}` and fill only the blocks it wants otherwise.
    """

    def __init__(self, channel: str, show: Callable[[str], str], *, own: Path | None = None) -> None:
        self._own = own
        ours = FileSystemLoader(shipped("alerts") / "templates" / channel)
        self._environment = ImmutableSandboxedEnvironment(
            loader=ChoiceLoader([*([FileSystemLoader(own)] if own else []), ours, PrefixLoader({"shipped": ours})]),
            # whatever the channel: what is printed and not marked as safe by `show` is escaped at least as HTML is
            autoescape=True,
            undefined=StrictUndefined,
            finalize=lambda value: _shown(value, show),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        for name in UNSAFE_FILTERS:
            del self._environment.filters[name]

    def whole(self, name: str, message: Message, *, picture: bool = False) -> str:
        """The template `name` for `message`; `picture`: its chart is shown as one."""
        return self._ours_if_theirs_fails(
            lambda template: template.render(m=message, picture=picture).strip("\n"), name
        )

    def blocks(self, name: str, message: Message) -> dict[str, str]:
        """Each `{% block %}` of the template `name` for `message`, by its name; those that come out empty are left
        out.
        """

        def each(template: Template) -> dict[str, str]:
            context = template.new_context({"m": message})
            # a template that extends another fills the blocks of that one: which, is known when it has run
            for _ in template.root_render_func(context):
                pass
            rendered = {block: "".join(renders[0](context)).strip() for block, renders in context.blocks.items()}
            return {block: text for block, text in rendered.items() if text}

        return self._ours_if_theirs_fails(each, name)

    def _ours_if_theirs_fails(self, render: Callable[[Template], T], name: str) -> T:
        try:
            return render(self._environment.get_template(name))
        except Exception as why:  # a template may raise anything; an alert that is plain beats one that is not sent
            if self._own is None:
                raise
            log.warning("template of the user's failed; the shipped one is used", template=name, reason=str(why))
            return render(self._environment.get_template(f"shipped/{name}"))


def _shown(value: object, show: Callable[[str], str]) -> object:
    if isinstance(value, Markup):
        # a macro's or a set block's text, whose values have been through here already
        return value
    if isinstance(value, Phrase):
        return Markup("".join(map(show, value.parts)))  # noqa: S704 - `show` is what makes it safe
    return Markup(show(value if isinstance(value, str) else "" if value is None else str(value)))  # noqa: S704 - as above
