"""The verdict on a denied request."""

from dataclasses import dataclass, field
from enum import StrEnum


class DeniedBy(StrEnum):
    GATEWAY = "gateway"
    UPSTREAM = "upstream"
    AUTH_SERVICE = "auth_service"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    RATE_LIMIT = "rate_limit"
    IP_RESTRICTION = "ip_restriction"
    INSUFFICIENT_PERMISSIONS = "insufficient_permissions"
    AUTHENTICATION = "authentication"
    RESOURCE_POLICY = "resource_policy"
    GATEWAY_MISCONFIGURATION = "gateway_misconfiguration"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing a log said: where it stood, what it was (redacted), what it means in words."""

    field: str
    value: str
    says: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a request was denied and by whom; `confidence` 0..1 is of the cause. Unknown is an honest answer."""

    cause: Cause = Cause.UNKNOWN
    denied_by: DeniedBy = DeniedBy.UNKNOWN
    confidence: float = 0.0
    alternatives: tuple[tuple[Cause, float], ...] = ()
    evidence: tuple[Evidence, ...] = field(default=())
