"""Where staged weights go: a prefix of a bucket, and whether that bucket is closed to the world."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from replicas.aws.session import Aws, error_code, explain
from replicas.errors import OperationError

_URL = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9])/(?P<prefix>.*[^/])/*")
_EVERYBODY = (
    "http://acs.amazonaws.com/groups/global/AllUsers",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
)
_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_ABSENT = frozenset({"NoSuchPublicAccessBlockConfiguration", "NoSuchBucketPolicy"})


@dataclass(frozen=True)
class Destination:
    """A prefix of a bucket. Engines load everything under the prefix, so the manifest lies beside it."""

    bucket: str
    prefix: str
    """With the slash at its end."""

    @property
    def url(self) -> str:
        """As `weights=` takes it."""
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def manifest_key(self) -> str:
        """Of `a/b/` it is `a/b.manifest.json`, which is not under the prefix."""
        return f"{self.prefix.removesuffix('/')}.manifest.json"

    @property
    def manifest_url(self) -> str:
        """Where the manifest lies."""
        return f"s3://{self.bucket}/{self.manifest_key}"


def parse_destination(text: str) -> Destination:
    """The destination that a user wrote, the slash at the end or not. Raises `OperationError` where it is none."""
    found = _URL.fullmatch(text)
    if found is None or "//" in found["prefix"]:
        raise OperationError(
            f"{text!r} is no place for weights: s3://bucket/prefix/ (all objects under the prefix are loaded)"
        )
    return Destination(found["bucket"], f"{found['prefix']}/")


def examine_bucket(aws: Aws, bucket: str) -> list[str]:
    """Look at a bucket before anything is put there.

    Returns:
        Sentences: what is not as it should be but hinders nothing, and what could not be found out.

    Raises:
        OperationError: there is no such bucket, it is not readable, lies in another region, or is open to everybody.

    """
    _require_bucket(aws, bucket)
    s3, warnings = aws.client("s3"), []

    def asked(what: str, operation: Callable[..., Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """An answer; None where it may not be asked for."""
        try:
            return operation(Bucket=bucket)
        except ClientError as fault:
            if error_code(fault) in _ABSENT:
                return {}
            warnings.append(f"bucket {bucket}: whether {what} could not be checked: {explain(fault)}")
            return None

    block = asked("public access is blocked", s3.get_public_access_block)
    policy = asked("its policy opens it to everybody", s3.get_bucket_policy_status)
    acl = asked("its access list opens it to everybody", s3.get_bucket_acl)
    blocks = (block or {}).get("PublicAccessBlockConfiguration", {})
    open_by = [
        *(["its policy"] if (policy or {}).get("PolicyStatus", {}).get("IsPublic") else []),
        *(["its access list"] if _is_for_everybody(acl or {}) and not blocks.get("IgnorePublicAcls") else []),
    ]
    mend = f"aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration " + ",".join(
        f"{name}=true" for name in _BLOCKS
    )
    if open_by:
        raise OperationError(
            f"bucket {bucket} is open to everybody by {' and '.join(open_by)}; nothing was put there: {mend}"
        )
    if block is not None and not all(blocks.get(name) for name in _BLOCKS):
        warnings.append(f"bucket {bucket} does not block public access by itself (the account may): {mend}")
    return warnings


def _require_bucket(aws: Aws, bucket: str) -> None:
    try:
        found = aws.client("s3").head_bucket(Bucket=bucket)
        region = found.get("BucketRegion") or found["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
    except ClientError as fault:
        headers = fault.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        region = headers.get("x-amz-bucket-region")
        match fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode"):
            case 404:
                raise OperationError(
                    f"there is no bucket {bucket}: aws s3 mb s3://{bucket} --region {aws.region}"
                ) from None
            case 403:
                raise OperationError(
                    f"bucket {bucket} may not be read with these credentials (s3:ListBucket), or is somebody else's"
                ) from None
            case 301 | 400 if region:
                pass
            case _:
                raise
    if region and region != aws.region:
        raise OperationError(
            f"bucket {bucket} lies in {region}, this works in {aws.region}: SageMaker reads weights of its own region; "
            f"--region {region}, or a bucket in {aws.region}"
        )


def _is_for_everybody(acl: Mapping[str, Any]) -> bool:
    return any(grant.get("Grantee", {}).get("URI") in _EVERYBODY for grant in acl.get("Grants", ()))


def objects_under(aws: Aws, destination: Destination) -> Iterator[tuple[str, int]]:
    """Path below the prefix and size of each object; the marker that the console leaves for a folder is none."""
    pages = (
        aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=destination.bucket, Prefix=destination.prefix)
    )
    for page in pages:
        for entry in page.get("Contents", ()):
            path = entry["Key"].removeprefix(destination.prefix)
            if path:
                yield path, entry["Size"]
