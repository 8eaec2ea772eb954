"""Acknowledgements, with reasons, of the findings of cdk-nag and `SageMakerChecks` in a plan's resources.

Each is attached to the construct it is about and applies in every app. The findings that remain in a report are those
that the owner of the deployment has to decide on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

from replicas import ComponentPlan, EndpointPlan

CONTROLS = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")
"""cdk-nag packs that share these rules, each with its own rule ids."""


def of_control(rule: str, reason: str) -> Iterator[Acknowledgment]:
    """Acknowledge a rule, with the reason, in every rule pack of `CONTROLS`."""
    for pack in CONTROLS:
        yield Acknowledgment(id=f"{pack}::{pack}-{rule}", reason=reason)


def of_practice(rule: str, reason: str) -> Acknowledgment:
    """Acknowledge a rule of `SageMakerChecks`."""
    return Acknowledgment(id=f"SageMakerChecks::{rule}", reason=reason)


def _of_volumes(plan: EndpointPlan) -> Iterator[Acknowledgment]:
    """No customer-managed KMS key encrypts the volumes."""
    if plan.security.kms_key:
        return
    instances = [endpoint.instance for endpoint in (plan, *plan.fallbacks)]
    reason = (
        f"{' and '.join(instance.name for instance in instances)}: data lies on local NVMe, which hardware encrypts "
        "and KmsKeyId does not"
        if all(instance.nvme_gb for instance in instances)
        else "no key was asked for: the volumes are encrypted with SageMaker's own"
    )
    yield from of_control("SageMakerEndpointConfigurationKMSKeyConfigured", reason)


def for_models(plan: EndpointPlan) -> list[Acknowledgment]:
    """Acknowledge weights from the Hub for all models of an endpoint; empty if they differ in this."""
    first, *others = [list(_of_model(component)) for component in plan.components]
    return first if all(_ids(other) == _ids(first) for other in others) else []


def for_model(model: IConstruct, component: ComponentPlan) -> None:
    """Acknowledge weights from the Hub for one model, in an endpoint whose models differ in this."""
    reasons = list(_of_model(component))
    if reasons:
        Validations.of(model).acknowledge(*reasons)


def _of_model(component: ComponentPlan) -> Iterator[Acknowledgment]:
    """Weights from the Hub: network access, and no pinned commit if the plan names none."""
    if component.weights is not None:
        return
    yield of_practice("not-isolated", "the weights come from the Hugging Face Hub, which isolation would cut off")
    if component.revision is None:
        unpinned = "a commit is a fact to look up: it is pinned where the deployment names one (revision=...)"
        yield of_practice("hub-without-revision", unpinned)


def _ids(acknowledgments: Iterable[Acknowledgment]) -> list[str]:
    return [acknowledgment.id for acknowledgment in acknowledgments]


def for_endpoint(endpoint: IConstruct, plan: EndpointPlan) -> None:
    """Acknowledge the findings about a missing key of the volumes, and about alarms and tags, which the user sets.

    Those of all models are acknowledged with them: each call is a round trip to another process.
    """
    reasons = [*_of_volumes(plan), *for_models(plan)]
    if not plan.monitoring.alarms:
        unwatched = "an alarm costs money: there are some where the deployment asks for them (monitoring=...)"
        reasons.append(of_practice("component-without-alarms", unwatched))
    if not plan.security.tags:
        untagged = "which tags there are is the account's own: Tags.of(app).add(...) reaches every resource"
        reasons.append(of_practice("untagged", untagged))
    if reasons:
        Validations.of(endpoint).acknowledge(*reasons)


def for_wildcards(role: IConstruct, wildcards: Iterable[tuple[str, str]], *others: Acknowledgment) -> None:
    """Acknowledge cdk-nag's findings about resources with a `*` in the role's policies, and others in the same call.

    The ids of these findings hold a second `::`, which aws-cdk-lib accepts from 2.270 on (2.268 refuses it).
    Before that, an app that uses cdk-nag has to acknowledge these findings itself.

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
    reason = "CloudWatch Logs encrypts every group with its own key, and none of yours was asked for"
    Validations.of(group).acknowledge(*of_control("CloudWatchLogGroupEncrypted", reason))


def for_alarms(alarms: IConstruct) -> None:
    """Acknowledge alarms without a notification topic."""
    reason = "no topic was given: a roll goes back on them, and the console and dashboards show them"
    Validations.of(alarms).acknowledge(*of_control("CloudWatchAlarmAction", reason))
