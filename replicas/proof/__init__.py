"""The checker of CloudFormation templates: what would fail or waste money, found before it is paid for."""

from replicas.proof.check import check, check_file, check_practice
from replicas.proof.errors import ProofError
from replicas.proof.practice import PRACTICE_RULES, Practice
from replicas.proof.report import Acknowledged, ComponentReport, EndpointReport, Finding, Report, Unresolved
from replicas.proof.rules import RULES

__all__ = [
    "PRACTICE_RULES",
    "RULES",
    "Acknowledged",
    "ComponentReport",
    "EndpointReport",
    "Finding",
    "Practice",
    "ProofError",
    "Report",
    "Unresolved",
    "check",
    "check_file",
    "check_practice",
]
