"""What `doctor` and `preflight` have in common: a check with its fix, and what both ask the account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from replicas.aws.session import Aws, error_code, explain


class State(StrEnum):
    """How a check came out."""

    OK = "ok"
    FAULT = "fault"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Checked:
    """One check."""

    what: str
    state: State
    said: str
    fix: str = ""

    def to_document(self) -> dict[str, str]:
        """JSON document (`replicas.preflight.document.CheckDocument`). `replicas doctor` prints a list of them."""
        return {"schema": "replicas.preflight-check/1", **asdict(self)}


def asked(what: str, check: Callable[[], Checked], *, refusal: State = State.UNKNOWN) -> Checked:
    """A check that asks AWS: being refused is an answer, too."""
    try:
        return check()
    except (ClientError, BotoCoreError) as fault:
        return Checked(what, refusal, str(explain(fault)))


def endpoint_quotas(aws: Aws) -> dict[str, Any]:
    """The quota of each instance type for endpoints, as Service Quotas describes it."""
    ending = " for endpoint usage"
    pages = aws.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    return {
        quota["QuotaName"].removesuffix(ending): quota
        for page in pages
        for quota in page["Quotas"]
        if quota["QuotaName"].endswith(ending)
    }


def quota_against(
    aws: Aws, instance_type: str, quota: dict[str, Any] | None, needed: int, who: str, have: str = ""
) -> Checked:
    """The quota of an instance type against the instances that are needed.

    Args:
        aws: account and region.
        instance_type: whose quota.
        quota: as Service Quotas describes it; None where it lists none.
        needed: instances.
        who: the end of the sentence where there are too few.
        have: the end of the sentence where there are enough.

    """
    what = f"quota {instance_type}"
    if quota is None:
        fix = f"is {instance_type} offered in {aws.region}? (Service Quotas, Amazon SageMaker)"
        return Checked(what, State.UNKNOWN, "no quota for endpoint usage is listed", fix)
    if quota["Value"] < needed:
        fix = (
            "aws service-quotas request-service-quota-increase --service-code sagemaker "
            f"--quota-code {quota['QuotaCode']} --desired-value {needed} --region {aws.region}"
        )
        return Checked(what, State.FAULT, f"{quota['Value']:g} for endpoints, {who}", fix)
    return Checked(what, State.OK, f"{quota['Value']:g} for endpoints, {have or f'{needed} needed'}")


def secret_is_there(aws: Aws, secret: str) -> Checked:
    """Whether a secret exists and is not about to be deleted; its value is not read."""
    what = f"secret {secret}"
    try:
        found = aws.client("secretsmanager").describe_secret(SecretId=secret)
    except ClientError as fault:
        if error_code(fault) == "ResourceNotFoundException":
            fix = f"aws secretsmanager create-secret --name {secret} --secret-string file:///dev/stdin"
            return Checked(what, State.FAULT, f"there is none in {aws.region}", fix)
        raise
    if found.get("DeletedDate"):
        fix = f"aws secretsmanager restore-secret --secret-id {secret}"
        return Checked(what, State.FAULT, "it is scheduled for deletion", fix)
    return Checked(what, State.OK, "it is there; its value was not read")
