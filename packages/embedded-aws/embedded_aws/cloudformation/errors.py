"""How CloudFormation refuses a request."""

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
    """A ValidationError: CloudFormation's answer to nearly everything that it refuses."""
    return ServiceError("ValidationError", message, evidence)


def refusal_of(fault: template.Fault) -> ServiceError:
    """The refusal of a template with a fault."""
    return invalid(fault.message, _KNOWN[fault.evidence])


def ordered(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """Names so that each comes after what it needs; names that need each other are refused."""
    order = in_order(needs)
    if isinstance(order, template.Fault):
        raise refusal_of(order)
    return order


def refuse(faults: Iterable[template.Fault]) -> None:
    """Refuse a template with its first fault; nothing happens without a fault."""
    for fault in faults:
        raise refusal_of(fault)
