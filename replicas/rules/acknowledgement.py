"""Findings that a template acknowledges in `Metadata`, each with a reason.

    Model:
      Type: AWS::SageMaker::Model
      Metadata:
        replicas:
          acknowledged:
            not-isolated: The weights come from the Hub, and isolation would block the download.

A reason in the `Metadata` of the template itself applies to every resource. A reason without text is ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from replicas.rules.report import Acknowledged, Message


def acknowledged(template: Mapping[str, Any], findings: Iterable[Message]) -> Iterator[Message | Acknowledged]:
    """Yield each finding; a finding that the template acknowledges is yielded with its reason."""
    everywhere = _reasons(template)
    resources = template["Resources"]
    for finding in findings:
        reasons = {**everywhere, **_reasons(resources.get(finding.logical_id))}
        reason = reasons.get(finding.rule)
        yield Acknowledged(finding, reason) if reason else finding


def _reasons(body: Any) -> dict[str, str]:
    reasons = body
    for key in ("Metadata", "replicas", "acknowledged"):
        reasons = reasons.get(key) if isinstance(reasons, Mapping) else None
    if not isinstance(reasons, Mapping):
        return {}
    return {str(rule): reason.strip() for rule, reason in reasons.items() if isinstance(reason, str) and reason.strip()}
