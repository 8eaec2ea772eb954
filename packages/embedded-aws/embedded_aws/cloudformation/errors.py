"""How CloudFormation refuses a request."""

from __future__ import annotations

from embedded_aws.service import ServiceError


def invalid(message: str) -> ServiceError:
    """A ValidationError: CloudFormation's answer to nearly everything that it refuses."""
    return ServiceError("ValidationError", message)
