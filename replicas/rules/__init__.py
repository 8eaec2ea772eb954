"""All rules, written once for the endpoint model, and the checker of CloudFormation templates.

Names are loaded on first use (PEP 562), because a plan applies single rules and needs no template reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicas.lazy_names import lazy_names

if TYPE_CHECKING:
    from replicas.rules.checking import check, check_file, check_practice
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

_HOMES = {
    "checking": ("check", "check_file", "check_practice"),
    "declaration": ("Enforcement", "Rule"),
    "finding": ("Finding", "Unjudged"),
    "judgement": ("judge",),
    "registry": ("PRACTICE_RULES", "RULES", "enforced_by"),
    "report": (
        "Acknowledged",
        "ComponentReport",
        "EndpointReport",
        "Message",
        "OpenQuestion",
        "Report",
        "Unresolved",
    ),
}

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

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
