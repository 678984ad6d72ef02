"""Which requests are stored."""

from typing import Annotated

from pydantic import Field

from log_sentinel.config.section import Section

Status = Annotated[int, Field(ge=100, le=999)]


class DenialsSettings(Section):
    """`statuses` are denials. `candidate_statuses` are kept for a few minutes: an error log may prove them to be
    denials.

    503 is what nginx, ingress-nginx and APISIX answer by default when a limit is exceeded, and also what they answer
    when nobody is home: the status alone does not tell.
    """

    statuses: frozenset[Status] = frozenset({403, 429})
    candidate_statuses: frozenset[Status] = frozenset({503})


class ParsingSettings(Section):
    """`definitions` are folders with log formats of one's own, beside the shipped ones; a format of the same name wins.

    Relative folders are meant from beside the settings file.
    """

    definitions: tuple[str, ...] = ()
