"""Whether the rights of an execution role are enough. Right answers follow from IAM's evaluation (IAM user guide,
policy evaluation logic) and from the permissions that the SageMaker guide lists (execution roles, CreateModel API)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from replicas.rules import Report, check
from tests.rules.base import EVERYWHERE, VLLM, Template, container_of, good, properties_of

IMAGE = "arn:aws:ecr:us-east-1:763104351884:repository/vllm"
BUCKET = "arn:aws:s3:::models"
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
LOGS = "arn:aws:logs:us-east-1:111122223333:log-group:/aws/sagemaker/*"
ACCOUNT = {"Ref": "AWS::AccountId"}
SAGEMAKER = {"Service": "sagemaker.amazonaws.com"}

Change = Callable[[Template], None]


def allow(actions: Any, resources: Any, **more: Any) -> Template:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions: Any, resources: Any, **more: Any) -> Template:
    return {"Effect": "Deny", "Action": actions, "Resource": resources, **more}


def trusts(principal: Any = SAGEMAKER, **more: Any) -> Template:
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}


def enough() -> list[Template]:
    """Statements as the SageMaker guide scopes them: the image's repository, the weights' prefix, the logs."""
    return [
        allow(PULL, IMAGE),
        allow(["ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"], "*"),
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], LOGS),
        allow("s3:GetObject", f"{BUCKET}/x/*"),
        allow("s3:ListBucket", BUCKET),
    ]


def served(*statements: Template) -> Template:
    """An endpoint with weights in S3. Its role has `enough()` rights, or the given statements instead."""
    template = good()
    container = container_of(template)
    container["Image"] = VLLM
    container["Environment"] = {"SM_VLLM_MODEL": "/opt/ml/model"}
    container["ModelDataSource"] = {
        "S3DataSource": {"S3Uri": "s3://models/x/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    }
    rights(template, *(statements or enough()))
    return template


def rights(template: Template, *statements: Template) -> Any:
    """Replace the rights of the role."""
    properties_of(template, "Role")["Policies"] = [{"PolicyName": "p", "PolicyDocument": {"Statement": [*statements]}}]


def without(position: int, *others: Template) -> Template:
    """`served()` without one of its statements, and with others."""
    statements = enough()
    del statements[position]
    return served(*statements, *others)


def changed(change: Change, template: Template | None = None) -> Template:
    template = template or served()
    change(template)
    return template


def with_trust(*statements: Template) -> Template:
    return changed(lambda t: properties_of(t, "Role").update(AssumeRolePolicyDocument={"Statement": [*statements]}))


def managed(*arns: Any, statements: list[Template] | None = None) -> Template:
    template = served(*(statements if statements is not None else [allow("sqs:SendMessage", "*")]))
    properties_of(template, "Role")["ManagedPolicyArns"] = list(arns)
    return template


def attached(
    kind: str = "AWS::IAM::Policy", *, depends: bool = True, statements: list[Template] | None = None
) -> Template:
    """`served()` whose rights are in a resource of their own."""
    template = served(allow("sqs:SendMessage", "*"))
    properties: Template = {"PolicyDocument": {"Statement": statements or enough()}, "PolicyName": "p"}
    if kind == "AWS::IAM::RolePolicy":
        properties["RoleName"] = {"Ref": "Role"}
    else:
        properties["Roles"] = [{"Ref": "Role"}]
    template["Resources"]["Rights"] = {"Type": kind, "Properties": properties}
    if depends:
        template["Resources"]["Model"]["DependsOn"] = "Rights"
    return template


def own_bucket(*statements: Template, **bucket: Any) -> Template:
    """`served()` with the weights in a bucket of the template, and rights that `Fn::GetAtt` of the bucket gives."""
    arn = {"Fn::GetAtt": ["Weights", "Arn"]}
    objects = {"Fn::Join": ["", [arn, "/*"]]}
    template = without(4, allow("s3:GetObject", objects), allow("s3:ListBucket", arn), *statements)
    template["Resources"]["Weights"] = {"Type": "AWS::S3::Bucket", "Properties": bucket}
    source = container_of(template)["ModelDataSource"]["S3DataSource"]
    source["S3Uri"] = {"Fn::Join": ["", ["s3://", {"Ref": "Weights"}, "/x/"]]}
    return template


def own_key(policy: list[Template] | None = None, *statements: Template) -> Template:
    """`own_bucket()` that is encrypted with a key of the template."""
    encryption = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]}}
    rule = {"ServerSideEncryptionByDefault": encryption}
    template = own_bucket(*statements, BucketEncryption={"ServerSideEncryptionConfiguration": [rule]})
    root = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    account = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"}
    key_policy = {"Statement": [account] if policy is None else policy}
    template["Resources"]["Key"] = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": key_policy}}
    return template


def adapted(url: Any = "s3://adapters/a/") -> Template:
    template = served()
    template["Resources"]["Lora"] = {
        "Type": "AWS::SageMaker::InferenceComponent",
        "Properties": {
            "EndpointName": {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
            "Specification": {
                "BaseInferenceComponentName": {
                    "Fn::Select": [1, {"Fn::Split": ["/", {"Fn::GetAtt": ["Llama", "InferenceComponentArn"]}]}]
                },
                "Container": {"ArtifactUrl": url},
            },
        },
    }
    return template


def image(uri: Any, template: Template | None = None) -> Template:
    return changed(lambda t: container_of(t).update(Image=uri), template)


def weights(uri: Any) -> Template:
    """`served()` with its weights under another address."""
    return changed(lambda t: container_of(t)["ModelDataSource"]["S3DataSource"].update(S3Uri=uri))


def in_vpc(*statements: Template) -> Template:
    template = served(*enough(), *statements)
    properties_of(template, "Config")["VpcConfig"] = {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    return template


def condition(operator: str, key: str, value: Any) -> Template:
    return {"Condition": {operator: {key: value}}}


def read(**more: Any) -> Template:
    """`served()` whose right to read the weights has a condition."""
    return without(3, allow("s3:GetObject", f"{BUCKET}/x/*", **more))


DECRYPT = allow("kms:Decrypt", {"Fn::GetAtt": ["Key", "Arn"]})
ROLE_ARN = {"Fn::GetAtt": ["Role", "Arn"]}
FULL = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
OWN_ORGANISATION = condition("StringEquals", "aws:PrincipalOrgID", "o-1")
NETWORK = [action for action in EVERYWHERE if action.startswith("ec2:")]
OWN_IMAGE = {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/server:1.0"}

ENOUGH: dict[str, Template] = {
    # Its policy admits every role of the account by way of SageMaker (KMS developer guide, AWS managed keys).
    "a volume key of AWS": changed(lambda t: properties_of(t, "Config").update(KmsKeyId="alias/aws/sagemaker")),
    "as the guide scopes them": served(),
    # S3 user guide, virtual hosting of buckets: the bucket is in the host or in the path.
    "weights by a URL with the bucket in the host": weights("https://models.s3.us-east-1.amazonaws.com/x/"),
    "weights by a URL with the bucket in the path": weights("https://s3.us-east-1.amazonaws.com/models/x/"),
    "with a wildcard in the action": without(0, allow("ecr:*", IMAGE)),
    "with a single character wildcard": without(3, allow("s3:GetObjec?", f"{BUCKET}/*")),
    "actions in other letters": without(3, allow("S3:getobject", f"{BUCKET}/*")),
    "with NotAction": without(3, {"Effect": "Allow", "NotAction": "iam:*", "Resource": f"{BUCKET}/*"}),
    "with NotResource": without(
        3, {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::other/*"}
    ),
    "one statement instead of a list": served(
        allow([*EVERYWHERE, "cloudwatch:PutMetricData", "s3:GetObject", "s3:ListBucket"], "*")
    ),
    "for the partition of the deployment": without(
        3, allow("s3:GetObject", {"Fn::Sub": "arn:${AWS::Partition}:s3:::models/*"})
    ),
    "for the region of the deployment": without(
        0, allow(PULL, {"Fn::Sub": "arn:aws:ecr:${AWS::Region}:763104351884:repository/vllm"})
    ),
    "in a policy of its own": attached(),
    "in a managed policy": attached("AWS::IAM::ManagedPolicy"),
    "in a role policy": attached("AWS::IAM::RolePolicy"),
    "in a managed policy that the role names": changed(
        lambda t: properties_of(t, "Role").update(ManagedPolicyArns=[{"Ref": "Rights"}]),
        attached("AWS::IAM::ManagedPolicy", depends=False),
    ),
    "waits through another resource": changed(
        lambda t: (
            t["Resources"].update(Wait={"Type": "AWS::SNS::Topic", "DependsOn": "Rights"})
            or t["Resources"]["Model"].update(DependsOn=["Wait"])
        ),
        attached(depends=False),
    ),
    "by managed policies of AWS": managed(
        "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
        {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"},
        statements=enough()[1:3],
    ),
    "in a bucket of the template": own_bucket(),
    "in a bucket of the template, by its name": own_bucket(BucketName="models"),
    "decrypts by IAM": own_key(None, DECRYPT),
    "decrypts through S3 only": own_key(
        None,
        DECRYPT | condition("StringEquals", "kms:ViaService", {"Fn::Sub": "s3.${AWS::Region}.${AWS::URLSuffix}"}),
    ),
    "decrypts by the key's own policy": own_key(
        [{"Effect": "Allow", "Principal": {"AWS": ROLE_ARN}, "Action": "kms:Decrypt", "Resource": "*"}]
    ),
    "only of the own account": read(**condition("StringEquals", "aws:ResourceAccount", ACCOUNT)),
    "lists only the prefix": without(4, allow("s3:ListBucket", BUCKET, **condition("StringLike", "s3:prefix", "x/*"))),
    "denies what is not encrypted in transit": served(
        *enough(), deny("s3:*", "*", **condition("Bool", "aws:SecureTransport", "false"))
    ),
    "denies the buckets of others": served(
        *enough(), deny("s3:*", "*", **condition("StringNotEquals", "aws:ResourceAccount", ACCOUNT))
    ),
    "denies something else": served(*enough(), deny("s3:DeleteObject", "*")),
    "trusted for the own account": with_trust(trusts(**condition("StringEquals", "aws:SourceAccount", ACCOUNT))),
    "trusted for the own account, as the guide has it": with_trust(
        trusts(
            **condition("ArnLike", "aws:SourceArn", {"Fn::Sub": "arn:aws:sagemaker:${AWS::Region}:${AWS::AccountId}:*"})
        )
    ),
    "trusted for an account by its number": with_trust(
        trusts(**condition("StringEquals", "aws:SourceAccount", "111122223333"))
    ),
    "trusted by two": with_trust(trusts({"Service": ["lambda.amazonaws.com", "sagemaker.amazonaws.com"]})),
    "for weights of the Hub": changed(lambda t: container_of(t).pop("ModelDataSource") and rights(t, *enough()[:3])),
    "for the metrics of SageMaker alone": served(
        *enough()[:1],
        allow("ecr:GetAuthorizationToken", "*"),
        allow("cloudwatch:PutMetricData", "*", **condition("StringLike", "cloudwatch:namespace", "/aws/sagemaker/*")),
        *enough()[2:],
    ),
    "in a VPC": in_vpc(allow(NETWORK, "*")),
    "an image of the template": changed(
        lambda t: t["Resources"].update(Images={"Type": "AWS::ECR::Repository", "Properties": {}}),
        image(
            {"Fn::Join": ["", [{"Fn::GetAtt": ["Images", "RepositoryUri"]}, ":1.0"]]},
            without(0, allow(PULL, {"Fn::GetAtt": ["Images", "Arn"]})),
        ),
    ),
    "an adapter beside the weights": adapted("s3://models/x/lora/"),
}

LACKING: dict[str, tuple[Template, str]] = {
    "nothing but trust: image": (served(allow("sqs:SendMessage", "*")), "role-cannot-pull"),
    "nothing but trust: weights": (served(allow("sqs:SendMessage", "*")), "role-cannot-read"),
    "no token of the registry": (
        changed(lambda t: rights(t, enough()[0], allow("cloudwatch:PutMetricData", "*"), *enough()[2:])),
        "role-cannot-pull",
    ),
    "the images of another registry": (
        without(0, allow(PULL, {"Fn::Sub": "arn:aws:ecr:${AWS::Region}:${AWS::AccountId}:repository/*"})),
        "role-cannot-pull",
    ),
    "the images of another region": (
        without(0, allow(PULL, "arn:aws:ecr:eu-west-1:763104351884:repository/vllm")),
        "role-cannot-pull",
    ),
    "layers cannot be fetched": (without(0, allow("ecr:BatchGetImage", "*")), "role-cannot-pull"),
    "another bucket": (without(3, allow("s3:GetObject", "arn:aws:s3:::model/x/*")), "role-cannot-read"),
    "another prefix": (without(3, allow("s3:GetObject", f"{BUCKET}/y/*")), "role-cannot-read"),
    "one object of the prefix": (without(3, allow("s3:GetObject", f"{BUCKET}/x/config.json")), "role-cannot-read"),
    "the bucket, but not its objects": (without(3, allow("s3:GetObject", BUCKET)), "role-cannot-read"),
    "cannot list": (without(4), "role-cannot-read"),
    "lists another prefix": (
        without(4, allow("s3:ListBucket", BUCKET, **condition("StringLike", "s3:prefix", "y/*"))),
        "role-cannot-read",
    ),
    "NotAction leaves reading out": (
        without(3, {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}),
        "role-cannot-read",
    ),
    "NotResource leaves the bucket out": (
        without(3, {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": f"{BUCKET}/*"}),
        "role-cannot-read",
    ),
    "denied in the same policy": (served(*enough(), deny("s3:Get*", "*")), "role-cannot-read"),
    "denied over plain connections alone, and this is none": (
        served(*enough(), deny("s3:*", "*", **condition("Bool", "aws:SecureTransport", "true"))),
        "role-cannot-read",
    ),
    "another bucket of the template": (
        changed(
            lambda t: (
                t["Resources"].update(Others={"Type": "AWS::S3::Bucket"})
                or rights(t, *enough()[:3], allow(["s3:GetObject", "s3:ListBucket"], {"Fn::GetAtt": ["Others", "Arn"]}))
            ),
            own_bucket(),
        ),
        "role-cannot-read",
    ),
    "denied by the bucket": (
        changed(
            lambda t: t["Resources"].update(
                Closed={
                    "Type": "AWS::S3::BucketPolicy",
                    "Properties": {
                        "Bucket": {"Ref": "Weights"},
                        "PolicyDocument": {"Statement": [deny("s3:GetObject", "*", Principal="*")]},
                    },
                }
            ),
            own_bucket(),
        ),
        "role-cannot-read",
    ),
    "no right on the key": (own_key(), "role-cannot-decrypt"),
    "the key is for others": (
        own_key(
            [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/admin"}, "Action": "kms:*"}],
            DECRYPT,
        ),
        "role-cannot-decrypt",
    ),
    "an adapter elsewhere": (adapted(), "role-cannot-read"),
    "an adapter elsewhere, as an archive": (adapted("s3://adapters/a.tar.gz"), "role-cannot-read"),
    "no interfaces in a VPC": (in_vpc(), "role-cannot-join-vpc"),
    "trusted for other services": (with_trust(trusts({"Service": "lambda.amazonaws.com"})), "role-not-assumable"),
    "trusted for an account": (with_trust(trusts({"AWS": "111122223333"})), "role-not-assumable"),
    "trusted by nobody": (with_trust(), "role-not-assumable"),
    "trusted with another action": (with_trust({**trusts(), "Action": "sts:TagSession"}), "role-not-assumable"),
    "trust denied": (with_trust(trusts(), {**trusts(), "Effect": "Deny"}), "role-not-assumable"),
    "the weights' policy comes too late": (attached(depends=False), "rights-too-late"),
    "the weights' role policy comes too late": (attached("AWS::IAM::RolePolicy", depends=False), "rights-too-late"),
    "a boundary closes the bucket": (
        changed(
            lambda t: (
                t["Resources"].update(
                    Bound={
                        "Type": "AWS::IAM::ManagedPolicy",
                        "Properties": {"PolicyDocument": {"Statement": enough()[:3]}},
                    }
                )
                or properties_of(t, "Role").update(PermissionsBoundary={"Ref": "Bound"})
            )
        ),
        "role-cannot-read",
    ),
    "a boundary of AWS closes the bucket": (
        changed(
            lambda t: properties_of(t, "Role").update(
                PermissionsBoundary="arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
            )
        ),
        "role-cannot-read",
    ),
}

DOUBTFUL: dict[str, tuple[Template, str]] = {
    "layers cannot be looked up, but pulled": (
        without(0, allow(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], "*")),
        "role-cannot-pull",
    ),
    "no logs": (without(2), "role-cannot-log"),
    "logs of another group": (
        without(2, allow("logs:*", "arn:aws:logs:*:*:log-group:/aws/sagemaker/Endpoints/*")),
        "role-cannot-log",
    ),
    "no metrics": (
        changed(lambda t: rights(t, enough()[0], allow("ecr:GetAuthorizationToken", "*"), *enough()[2:])),
        "role-cannot-log",
    ),
    "the image's policy comes too late": (
        changed(lambda t: container_of(t).pop("ModelDataSource"), attached(depends=False, statements=enough()[:3])),
        "rights-too-late",
    ),
    "prompts to a bucket that it may not write": (
        changed(
            lambda t: properties_of(t, "Config").update(
                DataCaptureConfig={"EnableCapture": True, "DestinationS3Uri": "s3://captured/chat"}
            )
        ),
        "role-cannot-capture",
    ),
    "a volume key of others": (
        changed(lambda t: properties_of(t, "Config").update(KmsKeyId="arn:aws:kms:us-east-1:111122223333:key/k")),
        "role-cannot-use-volume-key",
    ),
}

UNJUDGED: dict[str, Template] = {
    "prompts to a bucket in a parameter": changed(
        lambda t: (
            t.update(Parameters={"Bucket": {"Type": "String"}})
            or properties_of(t, "Config").update(
                DataCaptureConfig={"EnableCapture": True, "DestinationS3Uri": {"Ref": "Bucket"}}
            )
        )
    ),
    "a volume key by its alias": changed(lambda t: properties_of(t, "Config").update(KmsKeyId="alias/volumes")),
    "a condition on the organisation": read(**OWN_ORGANISATION),
    "a denial with a condition": served(*enough(), deny("s3:*", "*", **OWN_ORGANISATION)),
    "weights by an access point": weights("s3://arn:aws:s3:us-east-1:111122223333:accesspoint/models/x/"),
    "a boundary made elsewhere": changed(
        lambda t: properties_of(t, "Role").update(PermissionsBoundary="arn:aws:iam::111122223333:policy/boundary")
    ),
    "a managed policy made elsewhere": managed("arn:aws:iam::111122223333:policy/serving"),
    "a managed policy in a parameter": changed(
        lambda t: t.update(Parameters={"Policy": {"Type": "String"}}), managed({"Ref": "Policy"})
    ),
    "resources in a parameter": changed(
        lambda t: t.update(Parameters={"Arn": {"Type": "String"}}), without(3, allow("s3:GetObject", {"Ref": "Arn"}))
    ),
    "actions in a parameter": changed(
        lambda t: t.update(Parameters={"Actions": {"Type": "CommaDelimitedList"}}),
        without(3, allow({"Ref": "Actions"}, f"{BUCKET}/*")),
    ),
    "weights in a parameter": changed(
        lambda t: (
            t.update(Parameters={"Weights": {"Type": "String"}})
            or container_of(t)["ModelDataSource"]["S3DataSource"].update(S3Uri={"Ref": "Weights"})
        )
    ),
    "trusted under a condition": with_trust(trusts(**condition("StringEquals", "aws:PrincipalOrgID", "o-1"))),
    "a policy that may not be made": changed(
        lambda t: (
            t.update(
                Parameters={"Open": {"Type": "String"}}, Conditions={"IsOpen": {"Fn::Equals": [{"Ref": "Open"}, "yes"]}}
            )
            or t["Resources"]["Rights"].update(Condition="IsOpen")
        ),
        attached(),
    ),
}

OF_ROLES = ("role-cannot", "role-not-assumable", "rights-too-late")


def about_roles(report: Report) -> tuple[set[str], set[str]]:
    """Rules about insufficient rights that are broken for certain, and perhaps."""
    problems = {finding.rule for finding in report.problems if finding.rule.startswith(OF_ROLES)}
    return problems, {finding.rule for finding in report.warnings if finding.rule.startswith(OF_ROLES)}


def open_points(report: Report) -> list[str]:
    """What is not judged about the role."""
    return [open_point.what for open_point in report.unresolved if open_point.logical_id == "Role"]


@pytest.mark.parametrize("case", ENOUGH)
def test_rights_that_are_enough(case: str) -> None:
    report = check(ENOUGH[case])

    assert about_roles(report) == (set(), set())
    assert open_points(report) == []


@pytest.mark.parametrize("case", LACKING)
def test_rights_that_are_missing(case: str) -> None:
    template, rule = LACKING[case]

    problems, _ = about_roles(check(template))

    assert rule in problems


@pytest.mark.parametrize("case", DOUBTFUL)
def test_rights_without_which_the_endpoint_may_run(case: str) -> None:
    template, rule = DOUBTFUL[case]

    assert about_roles(check(template)) == (set(), {rule})


@pytest.mark.parametrize("case", UNJUDGED)
def test_rights_that_cannot_be_judged_are_said_not_to_be(case: str) -> None:
    report = check(UNJUDGED[case])

    assert about_roles(report)[0] == set()
    assert {open_point.logical_id for open_point in report.unresolved} == {"Role"}
    assert all(
        "is not judged" in open_point.what or "not judged:" in open_point.what for open_point in report.unresolved
    )


def test_more_statements_than_can_be_compared_are_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replicas.rules.roles.decisions._MOST_COMPARISONS", 5)

    report = check(served())

    assert about_roles(report) == (set(), set())
    assert any("too many statements" in what for what in open_points(report))
