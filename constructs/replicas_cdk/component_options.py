"""References of one component of a plan: constructs that a `Deployment`, which holds literals, cannot name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from replicas_cdk.container_image import ContainerImage


@dataclass(frozen=True)
class S3Location:
    """Objects under a prefix of a bucket, or an archive in it."""

    bucket: s3.IBucket
    prefix: str
    """Prefix with the slash at the end, `qwen3-8b/`. For an adapter also the key of an archive, `sql.tar.gz`."""


@dataclass(frozen=True, kw_only=True)
class ComponentOptions:
    """References to AWS resources of one component. In the plan `FROM_PROPS` stands for each of them, for example
    `weights=FROM_PROPS` of a `Component`.
    """

    weights: S3Location | None = None
    """Uncompressed weights. The `Component` has `weights=FROM_PROPS`. Default: the weights that the plan names."""
    adapters: Mapping[str, S3Location] = field(default_factory=dict)
    """Weights of adapters by name. Each `Adapter` has `weights=FROM_PROPS`. Default: those that the plan names."""
    token_secret: secretsmanager.ISecret | None = None
    """Secret whose string is a Hugging Face token. A gated model has `token_secret=FROM_PROPS`. Default: the secret of
    the endpoint, or the one that the plan names."""
    image: ContainerImage | None = None
    """Image of the container, of the engine and the version of the plan. Default: the image of the publisher."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of the container in addition to those of the plan. Values may be tokens, except for variables on which
    the proof depends. Default: none."""
