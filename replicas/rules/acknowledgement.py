"""Findings that a template answers for: under `Metadata`, each with a reason.

    Model:
      Type: AWS::SageMaker::Model
      Metadata:
        replicas:
          acknowledged:
            not-isolated: The weights come from the Hub, which isolation would cut off.

In the `Metadata` of the template itself a reason holds for every resource. One without a text is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from replicas.rules.report import Acknowledged, Message


def acknowledged(template: Mapping[str, Any], findings: Iterable[Message]) -> Iterator[Message | Acknowledged]:
    """Each finding, or the reason that the template gives for it."""
    everywhere = _reasons(template)
    resources = template["Resources"]
    for finding in findings:
        reasons = {**everywhere, **_reasons(resources.get(finding.logical_id))}
        reason = reasons.get(finding.rule)
        yield Acknowledged(finding, reason) if reason else finding


def _reasons(body: Any) -> dict[str, str]:
    found = body
    for key in ("Metadata", "replicas", "acknowledged"):
        found = found.get(key) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping):
        return {}
    return {str(rule): reason.strip() for rule, reason in found.items() if isinstance(reason, str) and reason.strip()}
