"""Practice: not whether a template works, but whether it may carry traffic. Encryption, isolation, rights, alarms.

A rule that is broken with reason is acknowledged: in a CDK app by `Validations.of(scope).acknowledge`, in any template
by `Metadata` (`replicas.rules.acknowledgement`).
"""

from collections.abc import Callable, Iterator

from replicas.rules.practice import encryption, isolation, operations, provenance, rights, secrets
from replicas.rules.practice.findings import PRACTICE_RULES, Practice
from replicas.rules.report import Finding
from replicas.template.endpoints import View

PRACTICE_CHECKS: tuple[Callable[[View], Iterator[Finding]], ...] = (
    encryption.captures,
    encryption.keys,
    isolation.not_isolated,
    isolation.shell_access,
    operations.component_alarms,
    operations.copies_are_the_floor,
    operations.rollback,
    operations.tags,
    provenance.hub_without_revision,
    provenance.images,
    rights.rights,
    rights.trust,
    secrets.secrets,
)

__all__ = ["PRACTICE_CHECKS", "PRACTICE_RULES", "Practice"]
