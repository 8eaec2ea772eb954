"""Checks that the fixed names in a template are free, or belong to the deployed stack.

A name is fixed if the template sets it. CloudFormation cannot create a resource whose name exists. It also cannot
replace a resource with a fixed name: "CloudFormation cannot update a stack when a custom-named resource requires
replacing".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from replicas.aws.session import Aws, error_code, error_message
from replicas.aws.target import is_missing
from replicas.endpoint.values import Reference, Unknown, text_of
from replicas.names import ResourceType
from replicas.preflight.checks import Checked, State, run_check
from replicas.preflight.needs import Declared
from replicas.preflight.room import Live
from replicas.template.differences import differences
from replicas.template.resources import Resource
from replicas.template.updates import Outcome

_ABSENT = frozenset(
    {"ResourceNotFound", "ResourceNotFoundException", "NoSuchEntity", "NotFound", "404", "NotFoundException"}
)


@dataclass(frozen=True)
class Naming:
    """The property that names resources of a type, and the call that finds out whether a name exists."""

    label: str
    property: str
    exists: Callable[[Aws, str], bool]


def name_checks(aws: Aws, stack: str, account: str, declared: Declared, live: Live | None) -> Iterator[Checked]:
    """Check every fixed name of a template. `live` is the deployed stack; None for a new stack."""
    owned = _owned(live)
    replaced = _replaced(live, declared)
    for logical_id in declared.resources:
        resource = declared.resources.get(logical_id)
        naming = NAMINGS.get(resource.type) if resource else None
        if resource is None or naming is None:
            continue
        value = resource.get(naming.property)
        if value is None or isinstance(value, Reference):
            continue  # CloudFormation generates the name
        name = _text(value, stack, account)
        if name is None:
            yield Checked(f"name of {logical_id}", State.UNKNOWN, f"its {naming.property} is known only at deployment")
            continue
        what = f"{naming.label} {name}"
        owner = owned.get((resource.type, name))
        if owner is None:
            yield run_check(what, lambda what=what, name=name, naming=naming: _is_free(aws, what, naming, name))  # type: ignore[misc]
        elif owner != logical_id:
            yield Checked(
                what,
                State.FAULT,
                f"the stack uses it for {owner}, and CloudFormation creates {logical_id} before it deletes {owner}",
                f"use another {naming.property} for {logical_id}",
            )
        elif logical_id in replaced:
            yield Checked(
                what,
                State.FAULT,
                f"the deployment replaces {logical_id}, and CloudFormation cannot replace a resource with a fixed name",
                f"use another {naming.property}, or remove it, so that CloudFormation generates a name",
            )
        else:
            yield Checked(what, State.OK, "the name belongs to this stack")


def _is_free(aws: Aws, what: str, naming: Naming, name: str) -> Checked:
    if not naming.exists(aws, name):
        return Checked(what, State.OK, "the name is free")
    fix = f"use another {naming.property}, delete the resource, or import it into the stack"
    return Checked(what, State.FAULT, f"another resource in {aws.region} already has the name", fix)


def _owned(live: Live | None) -> dict[tuple[str, str], str]:
    """Return the logical ids of the live stack's resources, by type and physical name."""
    if live is None:
        return {}
    resources = live.template.get("Resources", {})
    return {
        (str(resources[logical_id].get("Type")), name): logical_id
        for logical_id, name in live.names.items()
        if logical_id in resources
    }


def _replaced(live: Live | None, declared: Declared) -> set[str]:
    """Return the logical ids of resources that the deployment certainly replaces under an unchanged name."""
    if live is None:
        return set()
    return {
        logical_id
        for logical_id, change in differences(live.template, declared.resources.template).items()
        if change.certain_outcome is Outcome.REPLACED and not _is_renamed(declared.resources.get(logical_id), live)
    }


def _is_renamed(resource: Resource | None, live: Live) -> bool:
    naming = NAMINGS.get(resource.type) if resource else None
    if resource is None or naming is None:
        return True
    name = resource.get(naming.property)
    return not isinstance(name, str) or name != live.names.get(resource.logical_id)


def _text(value: Any, stack: str, account: str) -> str | None:
    """Return a name as text; None if any part of it is not known before the deployment."""
    if not isinstance(value, str | Unknown):
        return None
    text = text_of(value).replace("${AWS::StackName}", stack).replace("${AWS::AccountId}", account)
    return None if "${" in text else text


def _answers(call: Callable[[Aws, str], Any]) -> Callable[[Aws, str], bool]:
    """Return a function that finds out whether a name exists, by the success of a describe call."""

    def exists(aws: Aws, name: str) -> bool:
        try:
            call(aws, name)
        except ClientError as fault:
            absent = is_missing(fault) or error_code(fault) in _ABSENT or "does not exist" in error_message(fault)
            if absent:
                return False
            raise
        return True

    return exists


def _alarm_exists(aws: Aws, name: str) -> bool:
    alarms = aws.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return bool(alarms.get("MetricAlarms") or alarms.get("CompositeAlarms"))


def _log_group_exists(aws: Aws, name: str) -> bool:
    pages = aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    return any(group.get("logGroupName") == name for page in pages for group in page["logGroups"])


NAMINGS: Final[Mapping[str, Naming]] = {
    ResourceType.ENDPOINT: Naming(
        "endpoint",
        "EndpointName",
        _answers(lambda aws, name: aws.client("sagemaker").describe_endpoint(EndpointName=name)),
    ),
    ResourceType.ENDPOINT_CONFIG: Naming(
        "endpoint configuration",
        "EndpointConfigName",
        _answers(lambda aws, name: aws.client("sagemaker").describe_endpoint_config(EndpointConfigName=name)),
    ),
    ResourceType.MODEL: Naming(
        "model", "ModelName", _answers(lambda aws, name: aws.client("sagemaker").describe_model(ModelName=name))
    ),
    ResourceType.COMPONENT: Naming(
        "inference component",
        "InferenceComponentName",
        _answers(lambda aws, name: aws.client("sagemaker").describe_inference_component(InferenceComponentName=name)),
    ),
    ResourceType.ALARM: Naming("alarm", "AlarmName", _alarm_exists),
    "AWS::CloudWatch::CompositeAlarm": Naming("alarm", "AlarmName", _alarm_exists),
    ResourceType.DASHBOARD: Naming(
        "dashboard",
        "DashboardName",
        _answers(lambda aws, name: aws.client("cloudwatch").get_dashboard(DashboardName=name)),
    ),
    ResourceType.LOG_GROUP: Naming("log group", "LogGroupName", _log_group_exists),
    ResourceType.ROLE: Naming(
        "role", "RoleName", _answers(lambda aws, name: aws.client("iam").get_role(RoleName=name))
    ),
    ResourceType.BUCKET: Naming(
        "bucket", "BucketName", _answers(lambda aws, name: aws.client("s3").head_bucket(Bucket=name))
    ),
}
"""Resource types whose names are checked. The name of a bucket must be unique among all accounts."""
