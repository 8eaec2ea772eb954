"""Every rule, written once over the endpoint model, and the checker of CloudFormation templates."""

from replicas.rules.check import check, check_file, check_practice
from replicas.rules.declaration import Enforcement, Rule
from replicas.rules.finding import Finding, Unjudged
from replicas.rules.judgement import judge
from replicas.rules.registry import PRACTICE_RULES, RULES, enforced_by
from replicas.rules.report import (
    Acknowledged,
    ComponentReport,
    EndpointReport,
    Message,
    OpenQuestion,
    Report,
    Unresolved,
)

__all__ = [
    "PRACTICE_RULES",
    "RULES",
    "Acknowledged",
    "ComponentReport",
    "EndpointReport",
    "Enforcement",
    "Finding",
    "Message",
    "OpenQuestion",
    "Report",
    "Rule",
    "Unjudged",
    "Unresolved",
    "check",
    "check_file",
    "check_practice",
    "enforced_by",
    "judge",
]
