"""Refusals of requests, in the form of CloudFormation's errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from embedded_aws.evidence import ASSUMED, Evidence, documented, quoted
from embedded_aws.service import ServiceError
from replicas.template import faults as template
from replicas.template.references import in_order

_KNOWN = {
    template.Evidence.QUOTED: quoted("replicas.template: the wording was reported from an answer of CloudFormation"),
    template.Evidence.DOCUMENTED: documented("CloudFormation User Guide, template reference"),
    template.Evidence.ASSUMED: ASSUMED,
}


def invalid(message: str, evidence: Evidence) -> ServiceError:
    """Return a ValidationError, the code that CloudFormation uses for nearly all refusals."""
    return ServiceError("ValidationError", message, evidence)


def refusal_of(fault: template.Fault) -> ServiceError:
    """Return the ValidationError for a fault of a template."""
    return invalid(fault.message, _KNOWN[fault.evidence])


def ordered(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """Sort names so that each comes after its dependencies. Raise `ServiceError` for circular dependencies."""
    order = in_order(needs)
    if isinstance(order, template.Fault):
        raise refusal_of(order)
    return order


def refuse(faults: Iterable[template.Fault]) -> None:
    """Raise the first fault as a `ServiceError`; do nothing if there are no faults."""
    for fault in faults:
        raise refusal_of(fault)
