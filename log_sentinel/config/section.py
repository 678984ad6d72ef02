"""The base of every section of the settings."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section: unknown keys are refused, errors show no value (it could be a secret), nothing changes later."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)
