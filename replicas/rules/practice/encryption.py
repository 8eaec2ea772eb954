"""Keys of volumes, and of what is captured."""

from __future__ import annotations

import re
from collections.abc import Iterator

from replicas.catalogue.instances import instance_types
from replicas.endpoint.values import Reference, Value, at, list_of, text_of
from replicas.names import ResourceType
from replicas.rules.practice.findings import broken
from replicas.rules.report import Finding
from replicas.template.endpoints import Resource, View, variants_of

_CPU_FAMILY = re.compile(r"ml\.[a-z]+\d+(?P<letters>[a-z]*)\.")
_BUCKET = re.compile(r"(?:s3|https)://(?P<bucket>(?:\$\{[^}]*\}|[^/$])+)(?:/.*)?", re.DOTALL)


def keys(view: View) -> Iterator[Finding]:
    """A key where the volumes take one; none where the storage is local NVMe, which hardware encrypts."""
    for config in view.of_type("EndpointConfig"):
        types = [name for variant in variants_of(config) for name in _types_of(variant)]
        local = [has_local_storage(name) for name in types]
        given = config.get("KmsKeyId") is not None
        if given and True in local:
            on = ", ".join(sorted({name for name, is_local in zip(types, local, strict=True) if is_local}))
            yield broken(
                "key-without-effect", config.logical_id, f"KmsKeyId with {on}", "leave KmsKeyId out, or another family"
            )
        elif not given and local and not any(is_local is not False for is_local in local):
            on = ", ".join(sorted(set(types)))
            yield broken("key-missing", config.logical_id, f"no KmsKeyId for {on}", "KmsKeyId of a key of your own")


def has_local_storage(instance_type: str) -> bool | None:
    """True for instances with local NVMe; None where that is not known."""
    instance = instance_types().get(instance_type)
    if instance:
        return instance.nvme_gb > 0
    found = _CPU_FAMILY.match(instance_type)
    # Families without accelerators have local storage where a d stands behind their generation.
    return "d" in found["letters"] if found and instance_type.startswith(("ml.c", "ml.m", "ml.r", "ml.t")) else None


def _types_of(variant: Value) -> list[str]:
    pools = [at(pool, "InstanceType") for pool in list_of(at(variant, "InstancePools"))]
    return [name for name in (at(variant, "InstanceType"), *pools) if isinstance(name, str)]


def captures(view: View) -> Iterator[Finding]:
    """What is captured of requests and crashes goes to a bucket of the template, under a key."""
    buckets = {bucket.logical_id: bucket for bucket in view.created(ResourceType.BUCKET)}
    for config in view.of_type("EndpointConfig"):
        for label, address, key in _destinations(config):
            bucket = _bucket_of(address, buckets)
            if key is None and not (bucket and _has_key(bucket)):
                yield broken(
                    "capture-without-key",
                    config.logical_id,
                    f"{label} to {text_of(address)} without KmsKeyId",
                    "KmsKeyId, or a bucket whose default encryption has a KMS key",
                )
            if bucket is None and isinstance(address, str):
                yield broken(
                    "capture-elsewhere",
                    config.logical_id,
                    f"{label} to {address}",
                    "a bucket of this template, private and with a lifecycle; or acknowledge whose bucket it is",
                )


def _destinations(config: Resource) -> Iterator[tuple[str, Value, Value]]:
    places = [
        ("data capture", config.get("DataCaptureConfig"), "DestinationS3Uri"),
        ("answers", config.get("AsyncInferenceConfig", "OutputConfig"), "S3OutputPath"),
        *(("core dumps", at(variant, "CoreDumpConfig"), "DestinationS3Uri") for variant in variants_of(config)),
    ]
    for label, properties, name in places:
        if at(properties, name) is not None:
            yield label, at(properties, name), at(properties, "KmsKeyId")


def _bucket_of(address: Value, buckets: dict[str, Resource]) -> Resource | None:
    if isinstance(address, Reference):
        return buckets.get(address.logical_id)
    found = _BUCKET.fullmatch(text_of(address))
    if not found:
        return None
    for logical_id, bucket in buckets.items():
        if found["bucket"] in (f"${{{logical_id}}}", text_of(bucket.get("BucketName"))):
            return bucket
    return None


def _has_key(bucket: Resource) -> bool:
    rules = list_of(bucket.get("BucketEncryption", "ServerSideEncryptionConfiguration"))
    return any("kms" in text_of(at(rule, "ServerSideEncryptionByDefault", "SSEAlgorithm")) for rule in rules)
