"""Rules about encryption keys of volumes, and of captured prompts, answers and core dumps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from replicas.catalogue.instances import instance_types
from replicas.endpoint.topology import Topology
from replicas.endpoint.variants import Configuration
from replicas.rules.declaration import rule
from replicas.rules.finding import Case

_CPU_FAMILY = re.compile(r"ml\.[a-z]+\d+(?P<letters>[a-z]*)\.")


@rule(
    "key-without-effect",
    pack="practice",
    severity="warning",
    checks="KmsKeyId is set for instances with local NVMe storage.",
    why="the hardware encrypts local storage, so the key has no effect (documentation of CreateEndpointConfig); "
    "SageMaker's SDK treats the combination as unsupported",
    source="botocore 1.44.5, CreateEndpointConfig, KmsKeyId; sagemaker 2.257.7, instance_supports_kms",
    needs_proof=True,
)
def key_without_effect(topology: Topology) -> Iterator[Case]:
    """An endpoint configuration must not set a KMS key for local NVMe storage, which the hardware encrypts."""
    for configuration in topology.configurations:
        types = [name for name in _types_of(configuration) if has_local_storage(name)]
        if configuration.has_key and types:
            numbers = {"instance_types": ", ".join(sorted(set(types)))}
            yield Case(subject=configuration.subject, numbers=numbers)


@rule(
    "key-missing",
    pack="practice",
    severity="warning",
    checks="The volumes of an endpoint have no customer-managed KMS key.",
    why="the weights and logs on the volumes are encrypted with a key that only AWS controls",
)
def key_missing(topology: Topology) -> Iterator[Case]:
    """An endpoint configuration must set a KMS key if the volumes of all its instance types can use it."""
    for configuration in topology.configurations:
        types = _types_of(configuration)
        if not configuration.has_key and types and all(has_local_storage(name) is False for name in types):
            yield Case(subject=configuration.subject, numbers={"instance_types": ", ".join(sorted(set(types)))})


def has_local_storage(instance_type: str) -> bool | None:
    """Return whether an instance type has local NVMe storage; None if this is unknown."""
    instance = instance_types().get(instance_type)
    if instance:
        return instance.nvme_gb > 0
    match = _CPU_FAMILY.match(instance_type)
    # The names of CPU families with local storage have a d after the generation.
    return "d" in match["letters"] if match and instance_type.startswith(("ml.c", "ml.m", "ml.r", "ml.t")) else None


def _types_of(configuration: Configuration) -> list[str]:
    names = [
        name
        for variant in configuration.variants
        for name in (variant.instances.type_name, *variant.instances.pools)
        if name is not None
    ]
    return list(dict.fromkeys(names))


@rule(
    "capture-without-key",
    pack="practice",
    severity="warning",
    checks="Prompts, answers or core dumps are written without a KMS key.",
    why="everyone with read access to the bucket can read these texts, because no key policy restricts access",
)
def capture_without_key(topology: Topology) -> Iterator[Case]:
    """Captured prompts, answers and core dumps must be encrypted with a key."""
    for configuration in topology.configurations:
        for capture in configuration.captures:
            if not capture.has_key and not capture.is_bucket_encrypted:
                numbers = {"what": capture.what, "address": capture.address}
                yield Case(subject=configuration.subject, numbers=numbers)


@rule(
    "capture-elsewhere",
    pack="practice",
    severity="warning",
    checks="Prompts, answers or core dumps are written to a bucket that the template does not create.",
    why="the objects contain users' texts, and the template does not show who may read the bucket or how long it "
    "keeps objects",
)
def capture_elsewhere(topology: Topology) -> Iterator[Case]:
    """Captured prompts, answers and core dumps must go to a bucket that the same template creates."""
    for configuration in topology.configurations:
        for capture in configuration.captures:
            if not capture.has_own_bucket and capture.is_address_known:
                numbers = {"what": capture.what, "address": capture.address}
                yield Case(subject=configuration.subject, numbers=numbers)
