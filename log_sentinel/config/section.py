"""The base of every section of the settings."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section: unknown keys are refused, values never appear in errors (a secret could be one), nothing changes later."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)
