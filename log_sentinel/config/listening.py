"""What stands where we listen: HOST:PORT, an IPv6 host in brackets, and the token that is asked for there."""

from typing import Annotated

from pydantic import AfterValidator, SecretStr

SHORTEST_TOKEN = 16


def host_of(listen: str) -> str:
    return listen.rpartition(":")[0].strip("[]")


def port_of(listen: str) -> int:
    return int(listen.rpartition(":")[2])


def _not_to_be_guessed(token: SecretStr) -> SecretStr:
    if len(token.get_secret_value()) < SHORTEST_TOKEN:
        raise ValueError(f"at least {SHORTEST_TOKEN} characters, as `openssl rand -hex 16` makes them")
    return token


Token = Annotated[SecretStr, AfterValidator(_not_to_be_guessed)]
