"""The checker of CloudFormation templates: what would fail or waste money, found before it is paid for."""

from replicas.proof.check import check, check_file
from replicas.proof.errors import ProofError
from replicas.proof.report import ComponentReport, EndpointReport, Finding, Report, Unresolved
from replicas.proof.rules import RULES

__all__ = [
    "RULES",
    "ComponentReport",
    "EndpointReport",
    "Finding",
    "ProofError",
    "Report",
    "Unresolved",
    "check",
    "check_file",
]
