"""Refuses requests that break a rule which AWS enforces in the requested operation.

A request is converted to the endpoint model that `replicas check` builds from a template: an operation has the same
properties as its CloudFormation type. So `replicas check` reports every broken rule for which a request is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from embedded_aws.evidence import ASSUMED, Evidence, documented, quoted
from embedded_aws.service import RequestProblem, refused_together
from replicas.endpoint.topology import Topology
from replicas.rules import Enforcement, Finding, Rule, enforced_by
from replicas.rules.wording.cloudformation import sentence_of
from replicas.rules.wording.sentences import why_of
from replicas.template.endpoints import topology_of
from replicas.template.evaluation import Resolver

OPERATIONS: Mapping[str, str] = {
    "CreateEndpoint": "SageMaker",
    "CreateEndpointConfig": "SageMaker",
    "CreateInferenceComponent": "SageMaker",
    "CreateModel": "SageMaker",
    "PutMetricAlarm": "CloudWatch",
    "PutScalingPolicy": "Application Auto Scaling",
    "PutScheduledAction": "Application Auto Scaling",
    "RegisterScalableTarget": "Application Auto Scaling",
    "UpdateInferenceComponent": "SageMaker",
}
"""AWS service of each operation whose requests are checked against the rules."""

_QUOTE = re.compile(r"'(?P<words>[^']+)'\s*\((?P<source>.+)\)")
_DOCUMENTS = ("Application Auto Scaling API", "CloudWatch API")
"""Sources with one of these prefixes are documents: they state the rule but do not quote AWS's message."""


def resource(resource_type: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request as a CloudFormation resource of the given type."""
    return {"Type": resource_type, "Properties": dict(request)}


def topology(resources: Mapping[str, Any], region: str) -> Topology:
    """Build the endpoint model of CloudFormation resources, given by logical id."""
    template = {"Resources": dict(resources)}
    return topology_of(template, Resolver(template, region=region, parameters={}), region)


def refuse(
    operation: str,
    model: Topology,
    logical_id: str,
    *,
    code: str = "ValidationException",
    without: Collection[str] = (),
) -> None:
    """Refuse a request whose resource breaks a rule that AWS enforces in the operation.

    Args:
        operation: name of the operation, one of `OPERATIONS`.
        model: endpoint model of the request's resource and the resources it refers to.
        logical_id: logical id of the request's resource in the model.
        code: AWS's error code.
        without: ids of rules to skip.

    Raises:
        ServiceError: one error that lists all broken rules.

    """
    if operation not in OPERATIONS:
        raise KeyError(operation)
    problems = [
        _problem(rule, finding, operation)
        for rule in enforced_by(operation)
        if rule.id not in without
        for finding in rule.findings(model)
        if isinstance(finding, Finding) and finding.certain and finding.subject.name == logical_id
    ]
    if problems:
        raise refused_together(code, problems)


def evidence_of(source: str) -> Evidence:
    """Return the evidence for a source: `documented` for AWS's API reference, `quoted` for any other source."""
    return documented(source) if source.startswith(_DOCUMENTS) else quoted(source)


def _problem(rule: Rule, finding: Finding, operation: str) -> RequestProblem:
    """Convert a finding to a request problem: AWS's message if the rule quotes it, else the text of the finding."""
    if "seen_in" in finding.numbers:
        return RequestProblem(str(finding.numbers["words"]), evidence_of(str(finding.numbers["seen_in"])))
    (enforcement,) = [entry for entry in rule.enforced if entry.operation == operation]
    quote = _QUOTE.search(enforcement.source) if enforcement.evidence == "quoted" else None
    words = quote["words"] if quote else f"{sentence_of(finding).what}: {why_of(rule, finding)}."
    return RequestProblem(words, evidence_of_enforcement(enforcement))


def evidence_of_enforcement(enforcement: Enforcement) -> Evidence:
    """Return the evidence that AWS enforces a rule in an operation, from the declaration of the rule."""
    quote = _QUOTE.search(enforcement.source) if enforcement.evidence == "quoted" else None
    if quote:
        return quoted(quote["source"])
    if enforcement.evidence == "assumed":
        return ASSUMED
    return quoted(enforcement.source) if enforcement.evidence == "quoted" else documented(enforcement.source)
