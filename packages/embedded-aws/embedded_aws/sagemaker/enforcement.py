"""Checks a request against the rules that AWS enforces in its operation, given the state of the region.

State and request are converted to the endpoint model that `replicas check` builds from a template: the operations have
the properties of the CloudFormation types. So `replicas check` reports every request that is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from embedded_aws.evidence import ASSUMED, Evidence, documented, quoted
from embedded_aws.sagemaker.state import Endpoint, Hosting
from embedded_aws.service import RequestProblem, refused_together
from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology
from replicas.names import ResourceType
from replicas.rules import Enforcement, Finding, Rule, enforced_by
from replicas.rules.wording.cloudformation import sentence_of
from replicas.rules.wording.sentences import why_of
from replicas.template.endpoints import topology_of
from replicas.template.evaluation import Resolver

_AFTERWARDS = frozenset({"over-committed"})
"""Rules that SageMaker enforces only when it places copies, after the operation has answered."""
_QUOTE = re.compile(r"'(?P<words>[^']+)'\s*\((?P<source>.+)\)")
_ROLE = "the role of the configuration"


def check_configuration(request: Mapping[str, Any], region: str) -> None:
    """Refuse a CreateEndpointConfig that breaks a rule.

    Raises:
        ServiceError: one error with all broken rules.

    """
    key = "configuration"
    topology = _topology({key: _resource(ResourceType.ENDPOINT_CONFIG, request)}, region)
    _refuse("CreateEndpointConfig", topology, Subject(kind="configuration", name=key))


def check_component(
    operation: str, request: Mapping[str, Any], endpoint: Endpoint, hosting: Hosting, region: str
) -> None:
    """Refuse a CreateInferenceComponent or UpdateInferenceComponent that breaks a rule.

    Args:
        operation: CreateInferenceComponent or UpdateInferenceComponent.
        request: the component's CreateInferenceComponent request; an update's settings replace its own.
        endpoint: endpoint of the component.
        hosting: the state of the region.
        region: name of the region.

    Raises:
        ServiceError: one error with all broken rules.

    """
    name = request["InferenceComponentName"]
    resources = dict(_surroundings(endpoint, hosting, without=name))
    resources[name] = _resource(ResourceType.COMPONENT, request)
    _refuse(operation, _topology(resources, region), Subject(kind="component", name=name))


def _surroundings(endpoint: Endpoint, hosting: Hosting, *, without: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Template resources of the endpoint, its configuration and its other components, and of all models."""
    configuration = {
        "EndpointConfigName": endpoint.config_name,
        "ExecutionRoleArn": _ROLE,
        "ProductionVariants": [endpoint.variant],
    }
    yield "the configuration", _resource(ResourceType.ENDPOINT_CONFIG, configuration)
    named = {"EndpointName": endpoint.name, "EndpointConfigName": endpoint.config_name}
    yield "the endpoint", _resource(ResourceType.ENDPOINT, named)
    for model in hosting.models.values():
        yield f"model {model.name}", _resource(ResourceType.MODEL, model.request)
    for component in hosting.components_of(endpoint):
        if component.name != without:
            properties = {
                "InferenceComponentName": component.name,
                "EndpointName": component.endpoint_name,
                "VariantName": component.variant_name,
                "Specification": component.specification.request,
                "RuntimeConfig": {"CopyCount": component.desired},
            }
            yield component.name, _resource(ResourceType.COMPONENT, properties)


def _resource(resource_type: str, request: Mapping[str, Any]) -> dict[str, Any]:
    return {"Type": resource_type, "Properties": dict(request)}


def _topology(resources: Mapping[str, Any], region: str) -> Topology:
    template = {"Resources": dict(resources)}
    return topology_of(template, Resolver(template, region=region, parameters={}), region)


def _refuse(operation: str, topology: Topology, subject: Subject) -> None:
    problems = [
        _problem(rule, finding, operation)
        for rule in enforced_by(operation)
        if rule.id not in _AFTERWARDS
        for finding in rule.findings(topology)
        if isinstance(finding, Finding) and finding.certain and finding.subject == subject
    ]
    if problems:
        raise refused_together("ValidationException", problems)


def _problem(rule: Rule, finding: Finding, operation: str) -> RequestProblem:
    """A finding as a problem of the request: AWS's message if the rule quotes it, or the sentence of the check."""
    (enforcement,) = [entry for entry in rule.enforced if entry.operation == operation]
    quote = _QUOTE.search(enforcement.source) if enforcement.evidence == "quoted" else None
    if quote:
        return RequestProblem(quote["words"], quoted(quote["source"]))
    return RequestProblem(f"{sentence_of(finding).what}: {why_of(rule, finding)}.", _evidence(enforcement))


def _evidence(enforcement: Enforcement) -> Evidence:
    if enforcement.evidence == "assumed":
        return ASSUMED
    return quoted(enforcement.source) if enforcement.evidence == "quoted" else documented(enforcement.source)
