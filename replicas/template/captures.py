"""Reads from an endpoint configuration to which S3 locations it writes prompts, answers and core dumps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from replicas.endpoint.values import Reference, Value, at, list_of, text_of
from replicas.endpoint.variants import Capture
from replicas.names import ResourceType
from replicas.template.resources import Resource, Resources

_BUCKET = re.compile(r"(?:s3|https)://(?P<bucket>(?:\$\{[^}]*\}|[^/$])+)(?:/.*)?", re.DOTALL)


def captures_of(configuration: Resource, resources: Resources) -> Iterator[Capture]:
    """Yield every S3 destination of an endpoint configuration."""
    buckets = {bucket.logical_id: bucket for bucket in resources.of_type(ResourceType.BUCKET)}
    for what, address, key in _destinations(configuration):
        bucket = _bucket_of(address, buckets)
        yield Capture(
            what=what,
            address=text_of(address),
            is_address_known=isinstance(address, str),
            has_key=key is not None,
            has_own_bucket=bucket is not None,
            is_bucket_encrypted=bucket is not None and _has_key(bucket),
        )


def _destinations(configuration: Resource) -> Iterator[tuple[str, Value, Value]]:
    variants = configuration.get("ProductionVariants")
    places = [
        ("data capture", configuration.get("DataCaptureConfig"), "DestinationS3Uri"),
        ("answers", configuration.get("AsyncInferenceConfig", "OutputConfig"), "S3OutputPath"),
        *(
            ("core dumps", at(variant, "CoreDumpConfig"), "DestinationS3Uri")
            for variant in (variants if isinstance(variants, list) else ())
        ),
    ]
    for what, properties, name in places:
        if at(properties, name) is not None:
            yield what, at(properties, name), at(properties, "KmsKeyId")


def _bucket_of(address: Value, buckets: dict[str, Resource]) -> Resource | None:
    if isinstance(address, Reference):
        return buckets.get(address.logical_id)
    match = _BUCKET.fullmatch(text_of(address))
    if not match:
        return None
    for logical_id, bucket in buckets.items():
        if match["bucket"] in (f"${{{logical_id}}}", text_of(bucket.get("BucketName"))):
            return bucket
    return None


def _has_key(bucket: Resource) -> bool:
    rules = list_of(bucket.get("BucketEncryption", "ServerSideEncryptionConfiguration"))
    return any("kms" in text_of(at(rule, "ServerSideEncryptionByDefault", "SSEAlgorithm")) for rule in rules)
