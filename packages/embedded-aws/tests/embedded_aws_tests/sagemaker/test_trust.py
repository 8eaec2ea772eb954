"""Which trust policies let SageMaker assume a role (SageMaker developer guide, cross-service confused deputy
prevention, SageMaker AI Inference: the source is `arn:aws:sagemaker:REGION:ACCOUNT:*`)."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_aws.sagemaker.trust import may_assume

REGION, ACCOUNT = "us-west-2", "123456789012"


def trust(principal: Any = {"Service": "sagemaker.amazonaws.com"}, **condition: Any) -> dict[str, Any]:  # noqa: B006
    more = {"Condition": condition} if condition else {}
    return {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}]}


@pytest.mark.parametrize(
    "policy",
    [
        trust(),
        trust({"Service": ["lambda.amazonaws.com", "sagemaker.amazonaws.com"]}),
        trust(StringEquals={"aws:SourceAccount": ACCOUNT}),
        trust(StringEquals={"aws:SourceAccount": ["210987654321", ACCOUNT]}),
        trust(ArnLike={"aws:SourceArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:*"}),
        trust(
            ArnLike={"aws:SourceArn": f"arn:aws:sagemaker:*:{ACCOUNT}:*"}, StringEquals={"aws:SourceAccount": ACCOUNT}
        ),
        trust(StringEquals={"aws:PrincipalOrgID": "o-1"}),
    ],
)
def test_sagemaker_may_assume(policy: dict[str, Any]) -> None:
    assert may_assume(policy, REGION)


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"Statement": []},
        trust({"Service": "lambda.amazonaws.com"}),
        trust({"AWS": ACCOUNT}),
        trust(StringEquals={"aws:SourceAccount": "210987654321"}),
        trust(StringNotEquals={"aws:SourceAccount": ACCOUNT}),
        trust(ArnLike={"aws:SourceArn": f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:*"}),
        trust(ArnLike={"aws:SourceArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/chat"}),
        {"Statement": [*trust()["Statement"], {**trust()["Statement"][0], "Effect": "Deny"}]},
    ],
)
def test_sagemaker_may_not_assume(policy: dict[str, Any]) -> None:
    assert not may_assume(policy, REGION)
