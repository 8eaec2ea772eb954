"""Handlers for S3: buckets and bucket policies."""

# ruff: noqa: ARG002, D102 (Handler documents the methods)

from __future__ import annotations

import json
from typing import Any, ClassVar

from embedded_aws.cloudformation.handlers.handler import (
    Handler,
    HandlerError,
    Made,
    Properties,
    Work,
    name_from_stack,
    quietly,
)
from embedded_aws.evidence import LIMIT
from replicas.names import ResourceType

_CANNED = {
    "Private": "private",
    "PublicRead": "public-read",
    "PublicReadWrite": "public-read-write",
    "AuthenticatedRead": "authenticated-read",
    "LogDeliveryWrite": "log-delivery-write",
    "BucketOwnerRead": "bucket-owner-read",
    "BucketOwnerFullControl": "bucket-owner-full-control",
}


class Bucket(Handler):
    """An S3 bucket."""

    type = ResourceType.BUCKET
    attributes = ("Arn", "DomainName", "RegionalDomainName", "DualStackDomainName", "WebsiteURL")
    name_property = "BucketName"
    provisions: ClassVar[frozenset[str] | None] = frozenset(
        {
            "BucketName",
            "AccessControl",
            "BucketEncryption",
            "PublicAccessBlockConfiguration",
            "VersioningConfiguration",
            "LifecycleConfiguration",
            "OwnershipControls",
            "Tags",
        }
    )

    def create(self, work: Work, desired: Properties) -> Made:
        client, name = work.client("s3"), desired.get("BucketName") or name_from_stack(work, 63, lower=True)
        location = (
            {} if work.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": work.region}}
        )
        acl = {"ACL": _CANNED[desired["AccessControl"]]} if "AccessControl" in desired else {}
        client.create_bucket(Bucket=name, **location, **acl)
        work.started(name)
        _configure(client, name, {}, desired)
        return _bucket(work, name)

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        _configure(work.client("s3"), physical_id, previous, desired)
        return _bucket(work, physical_id)

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        quietly(work.client("s3").delete_bucket, Bucket=physical_id)


def _bucket(work: Work, name: str) -> Made:
    return Made(
        name,
        {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{work.region}.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{work.region}.amazonaws.com",
            "WebsiteURL": f"http://{name}.s3-website-{work.region}.amazonaws.com",
        },
    )


def _configure(client: Any, name: str, previous: Properties, desired: Properties) -> None:
    """Update a bucket's settings from `previous` to `desired` properties."""
    if previous and previous.get("AccessControl") != desired.get("AccessControl"):
        client.put_bucket_acl(Bucket=name, ACL=_CANNED[desired.get("AccessControl", "Private")])
    if "OwnershipControls" in desired:
        client.put_bucket_ownership_controls(Bucket=name, OwnershipControls=desired["OwnershipControls"])
    elif "OwnershipControls" in previous:
        client.delete_bucket_ownership_controls(Bucket=name)
    if "BucketEncryption" in desired:
        client.put_bucket_encryption(
            Bucket=name, ServerSideEncryptionConfiguration=_encryption(desired["BucketEncryption"])
        )
    elif "BucketEncryption" in previous:
        client.delete_bucket_encryption(Bucket=name)
    if "PublicAccessBlockConfiguration" in desired:
        client.put_public_access_block(
            Bucket=name, PublicAccessBlockConfiguration=desired["PublicAccessBlockConfiguration"]
        )
    elif "PublicAccessBlockConfiguration" in previous:
        client.delete_public_access_block(Bucket=name)
    if "VersioningConfiguration" in desired:
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration=desired["VersioningConfiguration"])
    elif "VersioningConfiguration" in previous:
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    if "LifecycleConfiguration" in desired:
        rules = [_lifecycle_rule(rule) for rule in desired["LifecycleConfiguration"]["Rules"]]
        client.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    elif "LifecycleConfiguration" in previous:
        client.delete_bucket_lifecycle(Bucket=name)
    if desired.get("Tags"):
        client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": desired["Tags"]})
    elif previous.get("Tags"):
        client.delete_bucket_tagging(Bucket=name)


def _encryption(properties: Properties) -> dict[str, Any]:
    rules = []
    for rule in properties["ServerSideEncryptionConfiguration"]:
        renamed = {key: value for key, value in rule.items() if key != "ServerSideEncryptionByDefault"}
        if "ServerSideEncryptionByDefault" in rule:
            renamed["ApplyServerSideEncryptionByDefault"] = rule["ServerSideEncryptionByDefault"]
        rules.append(renamed)
    return {"Rules": rules}


_SAME_IN_A_RULE = frozenset({"Status", "Prefix", "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration"})


def _lifecycle_rule(properties: Properties) -> dict[str, Any]:
    """Return a lifecycle rule in the API's form, which nests some fields and names them differently."""
    rule: dict[str, Any] = {}
    for key, value in properties.items():
        if key in _SAME_IN_A_RULE:
            rule[key] = value
        elif key == "Id":
            rule["ID"] = value
        elif key == "ExpirationInDays":
            rule.setdefault("Expiration", {})["Days"] = value
        elif key == "ExpiredObjectDeleteMarker":
            rule.setdefault("Expiration", {})["ExpiredObjectDeleteMarker"] = value
        elif key == "NoncurrentVersionExpirationInDays":
            rule["NoncurrentVersionExpiration"] = {"NoncurrentDays": value}
        else:
            raise HandlerError(
                f"The embedded AWS does not provision {key} of a lifecycle rule", LIMIT, "InvalidRequest"
            )
    if "Prefix" not in rule:
        rule["Filter"] = {"Prefix": ""}
    return rule


class BucketPolicy(Handler):
    """The policy of an S3 bucket. `Ref` returns the bucket's name."""

    type = ResourceType.BUCKET_POLICY

    def create(self, work: Work, desired: Properties) -> Made:
        return self._put(work, desired)

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        return self._put(work, desired)

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        quietly(work.client("s3").delete_bucket_policy, Bucket=physical_id)

    def _put(self, work: Work, desired: Properties) -> Made:
        document = _without_conditional_denials(desired["PolicyDocument"])
        if document["Statement"]:
            work.client("s3").put_bucket_policy(Bucket=desired["Bucket"], Policy=json.dumps(document))
        else:
            quietly(work.client("s3").delete_bucket_policy, Bucket=desired["Bucket"])
        return Made(desired["Bucket"])


def _without_conditional_denials(document: Any) -> dict[str, Any]:
    """Return a bucket policy without its conditional Deny statements.

    moto ignores conditions, so a conditional Deny would refuse all requests. Such a statement usually denies requests
    without TLS, and the embedded AWS has no TLS.
    """
    content: dict[str, Any] = json.loads(document) if isinstance(document, str) else dict(document)
    statements = content["Statement"] if isinstance(content["Statement"], list) else [content["Statement"]]
    content["Statement"] = [
        statement for statement in statements if statement["Effect"] != "Deny" or "Condition" not in statement
    ]
    return content


HANDLERS: tuple[Handler, ...] = (Bucket(), BucketPolicy())
