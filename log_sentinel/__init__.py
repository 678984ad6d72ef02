"""log-sentinel: tells who is being denied by an API gateway, why, and what would put it right."""

__version__ = "0.1.0"
