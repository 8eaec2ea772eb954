"""The S3 destination of staged weights, and a check that its bucket is not public."""

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
    """An S3 prefix for weights. Engines load all objects below the prefix, so the manifest's key is outside it."""

    bucket: str
    prefix: str
    """Key prefix, with a slash at the end."""

    @property
    def url(self) -> str:
        """URL of the prefix, as used in `weights=`."""
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def manifest_key(self) -> str:
        """Key of the manifest: `a/b.manifest.json` for the prefix `a/b/`."""
        return f"{self.prefix.removesuffix('/')}.manifest.json"

    @property
    def manifest_url(self) -> str:
        """URL of the manifest."""
        return f"s3://{self.bucket}/{self.manifest_key}"


def parse_destination(text: str) -> Destination:
    """Parse an S3 URL; the slash at the end is optional. Raises `OperationError` for an invalid URL."""
    match = _URL.fullmatch(text)
    if match is None or "//" in match["prefix"]:
        raise OperationError(
            f"{text!r} is not a valid destination: use s3://bucket/prefix/ (engines load all objects under the prefix)"
        )
    return Destination(match["bucket"], f"{match['prefix']}/")


def examine_bucket(aws: Aws, bucket: str) -> list[str]:
    """Check a bucket before an upload.

    Returns:
        Warnings, as sentences: settings that should be stricter, and checks that were not permitted.

    Raises:
        OperationError: the bucket does not exist, is not readable, is in another region, or is public.

    """
    _require_bucket(aws, bucket)
    s3, warnings = aws.client("s3"), []

    def query(what: str, operation: Callable[..., Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """Call an operation on the bucket. If it fails, add a warning and return None."""
        try:
            return operation(Bucket=bucket)
        except ClientError as fault:
            if error_code(fault) in _ABSENT:
                return {}
            warnings.append(f"bucket {bucket}: could not check whether {what}: {explain(fault)}")
            return None

    block = query("public access is blocked", s3.get_public_access_block)
    policy = query("its bucket policy allows public access", s3.get_bucket_policy_status)
    acl = query("its access control list allows public access", s3.get_bucket_acl)
    blocks = (block or {}).get("PublicAccessBlockConfiguration", {})
    open_by = [
        *(["its policy"] if (policy or {}).get("PolicyStatus", {}).get("IsPublic") else []),
        *(["its access control list"] if _is_for_everybody(acl or {}) and not blocks.get("IgnorePublicAcls") else []),
    ]
    mend = f"aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration " + ",".join(
        f"{name}=true" for name in _BLOCKS
    )
    if open_by:
        raise OperationError(
            f"bucket {bucket} is public through {' and '.join(open_by)}, so no file was uploaded: {mend}"
        )
    if block is not None and not all(blocks.get(name) for name in _BLOCKS):
        warnings.append(f"bucket {bucket} has no public access block of its own (the account may have one): {mend}")
    return warnings


def _require_bucket(aws: Aws, bucket: str) -> None:
    try:
        head = aws.client("s3").head_bucket(Bucket=bucket)
        region = head.get("BucketRegion") or head["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
    except ClientError as fault:
        headers = fault.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        region = headers.get("x-amz-bucket-region")
        match fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode"):
            case 404:
                raise OperationError(
                    f"there is no bucket {bucket}: create it with `aws s3 mb s3://{bucket} --region {aws.region}`"
                ) from None
            case 403:
                raise OperationError(
                    f"bucket {bucket} cannot be read with these credentials (s3:ListBucket), or belongs to another "
                    f"account"
                ) from None
            case 301 | 400 if region:
                pass
            case _:
                raise
    if region and region != aws.region:
        raise OperationError(
            f"bucket {bucket} is in {region}, but the command runs in {aws.region}: SageMaker reads weights only "
            f"from its own region: use --region {region}, or a bucket in {aws.region}"
        )


def _is_for_everybody(acl: Mapping[str, Any]) -> bool:
    return any(grant.get("Grantee", {}).get("URI") in _EVERYBODY for grant in acl.get("Grants", ()))


def objects_under(aws: Aws, destination: Destination) -> Iterator[tuple[str, int]]:
    """Yield the path below the prefix and the size of each object. The folder marker of the S3 console is left out."""
    pages = (
        aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=destination.bucket, Prefix=destination.prefix)
    )
    for page in pages:
        for entry in page.get("Contents", ()):
            path = entry["Key"].removeprefix(destination.prefix)
            if path:
                yield path, entry["Size"]
