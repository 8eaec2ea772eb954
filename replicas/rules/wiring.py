"""Rules about references between the resources of a template, and about properties that CloudFormation refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from replicas.endpoint.topology import Topology
from replicas.endpoint.wiring import Relation
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.finding import Case

_SCHEMAS = "CloudFormation schemas of 2026-10-20"

_OTHER_RULES = frozenset(
    {
        "ContainerStartupHealthCheckTimeoutInSeconds",
        "CopyCount",
        "MinMemoryRequiredInMb",
        "ModelDataDownloadTimeoutInSeconds",
        "NumberOfAcceleratorDevicesRequired",
        "NumberOfCpuCoresRequired",
    }
)
"""Properties that other rules check."""
_OTHER_MESSAGES = re.compile(
    r"#: [02] subschemas matched.*|required key \[Specifications?\] not found|.*\[maxProperties\]"
)
"""Matches schema messages about cases that other rules report: specifications of a component, environment size."""

_NEWER_VALUES: Mapping[str, str] = {"InferenceAmiVersion": "al", "InstanceType": "ml."}
"""Properties whose list of allowed values grows, each with the prefix that all its values have. An unlisted value with
this prefix may be newer than the schema."""

_SAME_NAME = "write the literal name of the resource, and set the same name in that resource"

_CONSEQUENCES: Mapping[Relation, str] = {
    "component of endpoint": "CreateInferenceComponent refuses an endpoint that is not in service, and DeleteEndpoint "
    "refuses an endpoint that has components",
    "adapter of component": "CreateInferenceComponent refuses a base component that is not in service",
    "endpoint of configuration": "CreateEndpoint refuses a configuration that does not exist",
    "model of component": "CreateInferenceComponent refuses a model that does not exist",
    "model of variant": "CreateEndpointConfig refuses a model that does not exist",
    "target of component": "RegisterScalableTarget refuses a component that does not exist",
    "target of endpoint": "RegisterScalableTarget refuses an endpoint that does not exist",
    "policy of target": "PutScalingPolicy refuses a target that is not registered",
}


@rule(
    "property-refused",
    checks="CloudFormation's schema does not allow a property, or its value, of a SageMaker resource, a scalable "
    "target, a scaling policy or an alarm.",
    why="CloudFormation validates the properties before it creates the resource, and the stack fails",
    source=_SCHEMAS,
    enforced=enforced_by("CreateStack", "documented", _SCHEMAS),
)
def property_refused(topology: Topology) -> Iterator[Case]:
    """Properties must be valid according to the CloudFormation schema of the resource type."""
    for refused in topology.wiring.properties:
        name = refused.path.rpartition("/")[2]
        if name in _OTHER_RULES or _OTHER_MESSAGES.fullmatch(refused.message):
            continue
        place = f"{refused.path}: " if refused.path else ""
        fix = refused.allowed or "use a value that CloudFormation allows, or remove the property"
        numbers = {"place": place, "message": refused.message, "fix": fix}
        may_be_newer = name in _NEWER_VALUES and refused.given.startswith(_NEWER_VALUES[name])
        yield Case(subject=refused.subject, numbers=numbers, certain=not may_be_newer)


@rule(
    "reference-of-the-wrong-kind",
    checks="A property that takes a name has an ARN, a property that takes an ARN has a name, or a property refers to "
    "a resource of the wrong type.",
    why="Ref returns the primary identifier of a resource: the ARN for SageMaker types, the name for a role",
    source=f"{_SCHEMAS}: primaryIdentifier of each type, pattern of each property",
    enforced=(
        *enforced_by("CreateStack", "documented", f"{_SCHEMAS}, pattern of the property"),
        *enforced_by("RegisterScalableTarget", "documented", "API reference, ResourceId: inference-component/NAME"),
        *enforced_by("PutScalingPolicy", "documented", "API reference, ResourceId: inference-component/NAME"),
    ),
)
def reference_of_the_wrong_kind(topology: Topology) -> Iterator[Case]:
    """A reference must return the kind of value that its property needs."""
    for reference in topology.wiring.references:
        fix = f"write {reference.right} in {reference.path}"
        if not reference.right:
            named_type = reference.named_type
            fix = f"name a resource of type {named_type} in {reference.path}" if named_type else _SAME_NAME
        numbers = {"path": reference.path, "given": reference.given, "value": reference.value, "fix": fix}
        yield Case(subject=reference.subject, numbers=numbers)


@rule(
    "attribute-absent",
    checks="Fn::GetAtt or Fn::Sub names an attribute that the resource type does not have.",
    why="CloudFormation refuses the whole template: 'Template error: resource ... does not support attribute type ... "
    "in Fn::GetAtt'",
    source=f"{_SCHEMAS}: readOnlyProperties of each type",
    enforced=enforced_by(
        "CreateStack", "quoted", "'Template error: resource does not support attribute type' (localstack issue 2372)"
    ),
)
def attribute_absent(topology: Topology) -> Iterator[Case]:
    """Every attribute that a template references must exist."""
    for absent in topology.wiring.attributes:
        numbers = {
            "resource": absent.resource,
            "attribute": absent.attribute,
            "attributes": ", ".join(absent.attributes) or "none",
        }
        yield Case(subject=absent.subject, numbers=numbers)


@rule(
    "wait-missing",
    checks="A resource contains the literal name of another resource, but does not depend on it.",
    why="CloudFormation creates and deletes the two resources at the same time: {consequence}",
    source="CloudFormation user guide, DependsOn attribute; SageMaker API reference, CreateInferenceComponent, "
    "EndpointName: 'The name of an existing endpoint'; gruntwork-io/cloud-nuke pull request 1142 (DeleteEndpoint)",
)
def wait_missing(topology: Topology) -> Iterator[Case]:
    """A resource must depend on the resource that it names."""
    for wait in topology.wiring.waits:
        numbers = {"awaited": wait.awaited, "consequence": _CONSEQUENCES[wait.relation]}
        yield Case(subject=wait.subject, numbers=numbers)
