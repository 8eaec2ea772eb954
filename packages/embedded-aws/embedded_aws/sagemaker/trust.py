"""Decides from a role's trust policy whether SageMaker may assume the role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedded_aws.service import ACCOUNT
from replicas.names import SAGEMAKER_PRINCIPAL
from replicas.rules.roles.decisions import may_be_assumed
from replicas.template.policies import statements_of


def may_assume(trust_policy: Mapping[str, Any], region: str) -> bool:
    """Return whether a trust policy lets SageMaker assume its role for an endpoint of this account and region.

    `aws:SourceAccount` and `aws:SourceArn` are the documented condition keys. A condition on another key counts as
    fulfilled.
    """
    context = {"aws:sourceaccount": ACCOUNT, "aws:sourcearn": f"arn:aws:sagemaker:{region}:{ACCOUNT}:*"}
    return may_be_assumed(statements_of(trust_policy), context, SAGEMAKER_PRINCIPAL).answer != "no"
