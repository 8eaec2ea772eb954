"""The checker of CloudFormation templates: what would fail or waste money, found before it is paid for."""

from replicas.rules.check import check, check_file, check_practice
from replicas.rules.practice import PRACTICE_RULES, Practice
from replicas.rules.report import Acknowledged, ComponentReport, EndpointReport, Finding, Report, Unresolved
from replicas.rules.rules import RULES

__all__ = [
    "PRACTICE_RULES",
    "RULES",
    "Acknowledged",
    "ComponentReport",
    "EndpointReport",
    "Finding",
    "Practice",
    "Report",
    "Unresolved",
    "check",
    "check_file",
    "check_practice",
]
