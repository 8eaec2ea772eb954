"""How CloudFormation refuses a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from embedded_aws.evidence import ASSUMED
from embedded_aws.service import ServiceError
from replicas.template.faults import Fault
from replicas.template.references import in_order


def invalid(message: str) -> ServiceError:
    """A ValidationError: CloudFormation's answer to nearly everything that it refuses."""
    return ServiceError("ValidationError", message, ASSUMED)


def ordered(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """Names so that each comes after what it needs; names that need each other are refused."""
    order = in_order(needs)
    if isinstance(order, Fault):
        raise invalid(order.message)
    return order


def refuse(faults: Iterable[Fault]) -> None:
    """Refuse a template with its first fault; nothing happens without a fault."""
    for fault in faults:
        raise invalid(fault.message)
