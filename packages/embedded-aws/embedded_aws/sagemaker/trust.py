"""Whether SageMaker may assume a role, by the role's trust policy and its conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedded_aws.service import ACCOUNT
from replicas.names import SAGEMAKER_PRINCIPAL
from replicas.rules.roles.decisions import may_be_assumed
from replicas.template.policies import statements_of


def may_assume(trust_policy: Mapping[str, Any], region: str) -> bool:
    """Return whether a trust policy lets SageMaker assume its role for an endpoint of this account and region.

    A condition on a key that SageMaker does not state (`aws:SourceAccount` and `aws:SourceArn` are documented) counts
    as fulfilled.
    """
    context = {"aws:sourceaccount": ACCOUNT, "aws:sourcearn": f"arn:aws:sagemaker:{region}:{ACCOUNT}:*"}
    return may_be_assumed(statements_of(trust_policy), context, SAGEMAKER_PRINCIPAL).answer != "no"
