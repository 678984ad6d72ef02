"""Secrets as they travel: in a header or a URL, which take visible ASCII and nothing else."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, SecretStr


def _visible_ascii(secret: SecretStr) -> SecretStr:
    # files end with a newline, and people paste spaces
    value = secret.get_secret_value().strip()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("empty, or with spaces or characters that no token or URL has. Copy it again.")
    return SecretStr(value)


HeaderSecret = Annotated[SecretStr, AfterValidator(_visible_ascii)]
