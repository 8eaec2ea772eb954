"""Checks that the account and region have the resources that a template needs. All checks run, even after a failure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from replicas.aws.session import Aws, error_code
from replicas.errors import OperationError
from replicas.preflight.checks import Checked, State, run_check, secret_is_there
from replicas.preflight.needs import Needs
from replicas.preflight.quotas import demands_of_template, quota_checks
from replicas.staging.bucket import parse_destination
from replicas.staging.manifest import read_manifest

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import ImageIdentifierTypeDef

_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z.]+/(?P<repository>[^:@]+)"
    r"(?::(?P<tag>[^:@]+))?(?:@(?P<digest>sha256:[0-9a-f]+))?"
)
_MANIFESTS = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
]


def account_checks(aws: Aws, name: str, needs: Needs) -> Iterator[Checked]:
    """Check the existing resources that a template needs: secrets, images, weights, VPC resources, KMS keys, SNS
    topics.
    """
    yield from quota_checks(aws, demands_of_template(name, needs.instances))

    def check_all(kind: str, names: Iterable[str], check: Callable[[Aws, str, str], Checked]) -> Iterator[Checked]:
        for name in names:
            what = f"{kind} {name}"
            yield run_check(what, lambda what=what, name=name: check(aws, what, name))  # type: ignore[misc]

    for secret, key in needs.secrets:
        what = f"secret {secret}"
        yield run_check(what, lambda secret=secret, key=key: _secret(aws, secret, key))  # type: ignore[misc]
    yield from check_all("image", needs.images, _image)
    yield from check_all("weights", needs.weights, _weights)
    yield from check_all("subnet", needs.subnets, _subnet)
    yield from check_all("security group", needs.security_groups, _security_group)
    yield from check_all("key", needs.keys, _key)
    yield from check_all("topic", needs.topics, _topic)


def _secret(aws: Aws, secret: str, key: str | None) -> Checked:
    """Check that the secret exists and has a string value, with the JSON key if one is given."""
    existence = secret_is_there(aws, secret)
    if existence.state is not State.OK:
        return existence
    value = aws.client("secretsmanager").get_secret_value(SecretId=secret).get("SecretString")
    if not value:
        fix = f"aws secretsmanager put-secret-value --secret-id {secret} --secret-string file:///dev/stdin"
        return Checked(existence.what, State.FAULT, "it has no string value", fix)
    if key is not None and not _has_key(value, key):
        return Checked(
            existence.what, State.FAULT, f"its string is not JSON with a key {key!r}", f"use a secret with {key!r}"
        )
    return Checked(existence.what, State.OK, "it can be read")


def _has_key(value: str, key: str) -> bool:
    try:
        document = json.loads(value)
    except ValueError:
        return False
    return isinstance(document, dict) and key in document


def _image(aws: Aws, what: str, image: str) -> Checked:
    """Check with BatchGetImage that an ECR image exists. Registries of other accounts allow only this call."""
    name = _IMAGE.fullmatch(image)
    if name is None:
        return Checked(what, State.UNKNOWN, "it is not in ECR, so it was not checked whether it exists")
    identifier: ImageIdentifierTypeDef = (
        {"imageDigest": name["digest"]} if name["digest"] else {"imageTag": name["tag"] or "latest"}
    )
    ecr = aws.in_region(name["region"]).client("ecr")
    fix = "use another version of the engine, or another tag"
    try:
        answer = ecr.batch_get_image(
            registryId=name["account"],
            repositoryName=name["repository"],
            imageIds=[identifier],
            acceptedMediaTypes=_MANIFESTS,
        )
    except ClientError as fault:
        if error_code(fault) == "RepositoryNotFoundException":
            return Checked(what, State.FAULT, f"registry {name['account']} has no such repository", fix)
        raise
    if answer.get("images"):
        return Checked(what, State.OK, "the registry has the image")
    codes = [entry.get("failureCode", "") for entry in answer.get("failures", ())]
    if "ImageNotFound" in codes or "ImageTagDoesNotMatchDigest" in codes:
        return Checked(what, State.FAULT, f"the registry has no such image ({', '.join(codes)})", fix)
    return Checked(what, State.UNKNOWN, f"could not be checked ({', '.join(codes) or 'no answer'})")


def _weights(aws: Aws, what: str, url: str) -> Checked:
    """Check that weights exist in S3, can be read, and were staged completely."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    s3, fix = aws.client("s3"), f"replicas stage MODEL {url}" if url.endswith("/") else "upload it"
    try:
        objects = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=100).get("Contents", [])
    except ClientError as fault:
        if error_code(fault) == "NoSuchBucket":
            return Checked(what, State.FAULT, f"there is no bucket {bucket}", f"create the bucket, then {fix}")
        raise
    files = [entry for entry in objects if not entry["Key"].endswith("/")]
    if not files:
        return Checked(what, State.FAULT, "the prefix has no objects", fix)
    if files[0]["Size"]:
        s3.get_object(Bucket=bucket, Key=files[0]["Key"], Range="bytes=0-0")
    else:
        s3.get_object(Bucket=bucket, Key=files[0]["Key"])
    if url.endswith("/"):
        try:
            manifest = read_manifest(aws, parse_destination(url))
        except OperationError as error:
            return Checked(what, State.UNKNOWN, str(error))
        if manifest is not None and not manifest.is_complete:
            again = f"replicas stage {manifest.repository} {url} --revision {manifest.revision}"
            return Checked(what, State.FAULT, "the staging of the weights is not complete", again)
        if manifest is not None:
            return Checked(what, State.OK, f"{manifest.repository} at {manifest.revision}")
    return Checked(what, State.OK, "the prefix has objects that these credentials can read")


def _subnet(aws: Aws, what: str, subnet: str) -> Checked:
    fix = "use a subnet of this account and region: aws ec2 describe-subnets"
    return _described(what, "InvalidSubnetID.NotFound", fix, aws.client("ec2").describe_subnets, SubnetIds=[subnet])


def _security_group(aws: Aws, what: str, group: str) -> Checked:
    fix = "use a security group of this account and region: aws ec2 describe-security-groups"
    describe = aws.client("ec2").describe_security_groups
    return _described(what, "InvalidGroup", fix, describe, GroupIds=[group])


def _topic(aws: Aws, what: str, topic: str) -> Checked:
    fix = "use an existing topic: aws sns list-topics"
    sns = aws.in_region(topic.split(":")[3]).client("sns")
    return _described(what, "NotFound", fix, sns.get_topic_attributes, TopicArn=topic)


def _described(what: str, absent: str, fix: str, describe: Callable[..., Any], **which: Any) -> Checked:
    """Check a resource by a describe call. `absent` is the start of the error code for a missing resource."""
    try:
        describe(**which)
    except ClientError as fault:
        if error_code(fault).startswith((absent, absent.replace(".NotFound", ".Malformed"))):
            return Checked(what, State.FAULT, f"it does not exist ({error_code(fault)})", fix)
        raise
    return Checked(what, State.OK, "it exists")


def _key(aws: Aws, what: str, key: str) -> Checked:
    try:
        metadata = aws.client("kms").describe_key(KeyId=key)["KeyMetadata"]
    except ClientError as fault:
        if error_code(fault) in ("NotFoundException", "InvalidArnException"):
            return Checked(what, State.FAULT, f"it does not exist ({error_code(fault)})", "use a key of this region")
        raise
    if metadata["KeyState"] != "Enabled":
        fix = {"Disabled": "aws kms enable-key", "PendingDeletion": "aws kms cancel-key-deletion"}
        step = fix.get(metadata["KeyState"], "aws kms describe-key")
        return Checked(what, State.FAULT, f"it is {metadata['KeyState']}", f"{step} --key-id {metadata['KeyId']}")
    return Checked(what, State.OK, "it is enabled")
