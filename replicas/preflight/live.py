"""Compares a new template with the live stack: would a deployment remove copies, and does a rolling update fit?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from replicas.aws.session import Aws
from replicas.aws.target import base_of, is_missing, serving_specification
from replicas.endpoint.packing import Resources
from replicas.names import ResourceType
from replicas.preflight.checks import Checked, State
from replicas.preflight.needs import Declared, declared_in
from replicas.preflight.room import Changes, Live, LiveComponent, room_check
from replicas.rules.demands import Demand, demands_of
from replicas.status.drift import name_of
from replicas.template.load import deployed


def read_live(aws: Aws, stack: Mapping[str, Any]) -> Live:
    """Read the live state of a stack: template, components, copies and instances."""
    cloudformation, sagemaker = aws.client("cloudformation"), aws.client("sagemaker")
    body = cloudformation.get_template(StackName=stack["StackId"])["TemplateBody"]
    template = deployed(body)
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack["StackId"])
    names = {
        entry["LogicalResourceId"]: name_of(entry["PhysicalResourceId"])
        for page in pages
        for entry in page["StackResourceSummaries"]
        if entry.get("PhysicalResourceId")
    }
    resources = template.get("Resources", {})
    components = {}
    for logical_id in (
        key for key, entry in resources.items() if entry.get("Type") == ResourceType.COMPONENT and key in names
    ):
        described = _described(sagemaker.describe_inference_component, InferenceComponentName=names[logical_id])
        if described and base_of(described) is None:
            compute = serving_specification(described).get("ComputeResourceRequirements", {})
            claim = Resources.of(
                int(compute.get("NumberOfAcceleratorDevicesRequired", 0)),
                compute.get("NumberOfCpuCoresRequired", 0),
                compute.get("MinMemoryRequiredInMb", 0),
            )
            desired = described.get("RuntimeConfig", {}).get("DesiredCopyCount", 0)
            place = (described["EndpointName"], described.get("VariantName", ""))
            components[logical_id] = LiveComponent(names[logical_id], desired, claim, place)
    instances = {
        (endpoint, variant["VariantName"]): variant.get("CurrentInstanceCount", 0)
        for endpoint in endpoints_of(template, names)
        for variant in _described(sagemaker.describe_endpoint, EndpointName=endpoint).get("ProductionVariants", ())
    }
    return Live(stack["StackStatus"], template, names, components, instances)


def endpoints_of(template: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    """Return the SageMaker names of the endpoints of a stack. `names` has the physical names by logical id."""
    resources = template.get("Resources", {})
    kind = ResourceType.ENDPOINT
    return [names[key] for key, entry in resources.items() if entry.get("Type") == kind and key in names]


def _described(describe: Any, **which: str) -> dict[str, Any]:
    """Call a describe operation; return an empty document if the resource does not exist."""
    try:
        document: dict[str, Any] = describe(**which)
    except ClientError as fault:
        if is_missing(fault):
            return {}
        raise
    return document


def live_checks(aws: Aws, name: str, declared: Declared, live: Live) -> Iterator[Checked]:
    """Check the stack's status, the copies of each component, and the free resources on each variant's instances."""
    yield _stack(name, live.status)
    changes = Changes(declared_in(live.template, aws.region), declared, aws.region)
    for variant in declared.topology.variants:
        for demand in demands_of(variant):
            if demand.component.subject.name in live.components:
                yield _copies(demand, live.components[demand.component.subject.name], changes)
        yield from room_check(variant, live, changes)


def _stack(name: str, status: str) -> Checked:
    what = f"stack {name}"
    if status.endswith("_IN_PROGRESS"):
        return Checked(what, State.FAULT, f"it is {status}", f"wait until it has ended: replicas status {name} --watch")
    fixes = {
        "ROLLBACK_COMPLETE": f"npx cdk destroy {name}: a stack whose creation failed cannot be updated",
        "UPDATE_ROLLBACK_FAILED": f"aws cloudformation continue-update-rollback --stack-name {name}",
    }
    if status in fixes or status.endswith("_FAILED"):
        return Checked(what, State.FAULT, f"it is {status}", fixes.get(status, f"replicas teardown {name}"))
    return Checked(what, State.OK, f"it is {status}")


def _copies(demand: Demand, live: LiveComponent, changes: Changes) -> Checked:
    what = f"copies of {live.name}"
    if demand.copies is None:
        return Checked(
            what, State.UNKNOWN, f"{live.desired} live, but the template does not state its number of copies"
        )
    if live.desired <= demand.copies:
        return Checked(what, State.OK, f"{live.desired} live, the template requests {demand.copies}")
    if not changes.touches(demand.component.subject.name):
        explanation = (
            f"{live.desired} live, the template requests {demand.copies}, but the deployment does not change "
            f"the component"
        )
        return Checked(what, State.OK, explanation)
    explanation = (
        f"{live.desired} live, the deployment sets {demand.copies}: {live.desired - demand.copies} would be removed"
    )
    fix = (
        f"set copies={live.desired} on the component (with scaling, this is the initial number), or scale it in first: "
        f"aws sagemaker update-inference-component-runtime-config --inference-component-name {live.name} "
        f"--desired-runtime-config CopyCount={demand.copies}"
    )
    return Checked(what, State.FAULT, explanation, fix)
