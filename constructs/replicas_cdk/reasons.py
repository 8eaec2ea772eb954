"""Acknowledges findings of cdk-nag and `SageMakerChecks` in the resources of a plan, each with a reason.

Each acknowledgement is attached to its construct and applies in every app. The owner of the deployment has to decide on
the findings that remain in a report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

from replicas import ComponentPlan, EndpointPlan

CONTROLS = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")
"""cdk-nag packs that contain the acknowledged rules, each with its own rule ids."""


def of_control(rule: str, reason: str) -> Iterator[Acknowledgment]:
    """Acknowledge a rule, with the reason, in every rule pack of `CONTROLS`."""
    for pack in CONTROLS:
        yield Acknowledgment(id=f"{pack}::{pack}-{rule}", reason=reason)


def of_practice(rule: str, reason: str) -> Acknowledgment:
    """Acknowledge a rule of `SageMakerChecks`."""
    return Acknowledgment(id=f"SageMakerChecks::{rule}", reason=reason)


def _of_volumes(plan: EndpointPlan) -> Iterator[Acknowledgment]:
    """Acknowledge that no customer-managed KMS key encrypts the volumes."""
    if plan.security.kms_key:
        return
    instances = [endpoint.instance for endpoint in (plan, *plan.fallbacks)]
    reason = (
        f"{' and '.join(instance.name for instance in instances)}: data is on local NVMe, which the hardware encrypts "
        "and KmsKeyId does not affect"
        if all(instance.nvme_gb for instance in instances)
        else "the deployment names no key: SageMaker encrypts the volumes with its own key"
    )
    yield from of_control("SageMakerEndpointConfigurationKMSKeyConfigured", reason)


def for_models(plan: EndpointPlan) -> list[Acknowledgment]:
    """Return the acknowledgements of weights from the Hub; empty if they are not the same for all models."""
    first, *others = [list(_of_model(component)) for component in plan.components]
    return first if all(_ids(other) == _ids(first) for other in others) else []


def for_model(model: IConstruct, component: ComponentPlan) -> None:
    """Acknowledge weights from the Hub for one model. Used if `for_models` returns nothing."""
    reasons = list(_of_model(component))
    if reasons:
        Validations.of(model).acknowledge(*reasons)


def _of_model(component: ComponentPlan) -> Iterator[Acknowledgment]:
    """Acknowledge network access for weights from the Hub, and a missing commit if the plan pins none."""
    if component.weights is not None:
        return
    yield of_practice(
        "not-isolated", "the weights come from the Hugging Face Hub, and isolation would block the download"
    )
    if component.revision is None:
        unpinned = "the deployment names no commit: set revision=... to pin one"
        yield of_practice("hub-without-revision", unpinned)


def _ids(acknowledgments: Iterable[Acknowledgment]) -> list[str]:
    return [acknowledgment.id for acknowledgment in acknowledgments]


def for_endpoint(endpoint: IConstruct, plan: EndpointPlan) -> None:
    """Acknowledge missing volume keys, alarms and tags, and weights from the Hub, for a whole endpoint.

    All are acknowledged in one call, because each call is a round trip to the jsii process.
    """
    reasons = [*_of_volumes(plan), *for_models(plan)]
    if not plan.monitoring.alarms:
        unwatched = "the deployment defines no alarms, because alarms cost money: set monitoring=... to add them"
        reasons.append(of_practice("component-without-alarms", unwatched))
    if not plan.security.tags:
        untagged = "the deployment defines no tags: use Tags.of(app).add(...) to tag every resource"
        reasons.append(of_practice("untagged", untagged))
    if reasons:
        Validations.of(endpoint).acknowledge(*reasons)


def for_wildcards(role: IConstruct, wildcards: Iterable[tuple[str, str]], *others: Acknowledgment) -> None:
    """Acknowledge cdk-nag's findings about a `*` in the resources of the role's policies, and `others` in the same
    call.

    The ids of these findings contain a second `::`. aws-cdk-lib accepts such ids from 2.270 on and refuses them in
    2.268. With a version that refuses them, an app that uses cdk-nag has to acknowledge these findings itself.

    Args:
        role: role with the policies.
        wildcards: each resource in cdk-nag's notation, with the reason for it.
        others: acknowledgements that every version of aws-cdk-lib accepts.

    """
    try:
        Validations.of(role).acknowledge(
            *others,
            *(
                Acknowledgment(id=f"AwsSolutions::AwsSolutions-IAM5[Resource::{resource}]", reason=reason)
                for resource, reason in wildcards
            ),
        )
    except RuntimeError as refusal:
        if "InvalidValidationId" not in str(refusal):
            raise
        if others:
            Validations.of(role).acknowledge(*others)


def for_log_group(group: IConstruct) -> None:
    """Acknowledge that no customer-managed KMS key encrypts the log group."""
    reason = "the deployment names no key: CloudWatch Logs encrypts every group with its own key"
    Validations.of(group).acknowledge(*of_control("CloudWatchLogGroupEncrypted", reason))


def for_alarms(alarms: IConstruct) -> None:
    """Acknowledge alarms without a notification topic."""
    reason = "the deployment names no topic: the alarms roll back updates and appear in the console and dashboards"
    Validations.of(alarms).acknowledge(*of_control("CloudWatchAlarmAction", reason))
