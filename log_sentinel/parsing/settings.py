"""Which requests are stored."""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from log_sentinel.config.section import Section

Status = Annotated[int, Field(ge=100, le=999)]


class DenialsSettings(Section):
    """`statuses` are denials. `candidate_statuses` are when their own line says that a limit refused them; the others
    are kept for a few minutes, since an error log may say so.

    503 is what nginx, ingress-nginx and APISIX answer by default when a limit is exceeded, and also what they answer
    when nobody is home: the status alone does not tell.
    """

    statuses: frozenset[Status] = frozenset({403, 429})
    candidate_statuses: frozenset[Status] = frozenset({503})


class ParsingSettings(Section):
    """`definitions` are folders with log formats of one's own, beside the shipped ones; a format of the same name wins.

    Relative folders are meant from beside the settings file. `addresses` are those of clients as they are stored:
    plain, truncated to their /24 or /64, or hashed under `addresses_key`.
    """

    definitions: tuple[str, ...] = ()
    addresses: Literal["plain", "truncated", "hashed"] = "plain"
    addresses_key: SecretStr | None = None

    @model_validator(mode="after")
    def _key_for_a_hash(self) -> Self:
        if self.addresses == "hashed" and self.addresses_key is None:
            raise ValueError(
                'addresses is "hashed" without a key; anybody could try all addresses. Set addresses_key or '
                "addresses_key_file, to a line of `openssl rand -hex 32`"
            )
        return self
