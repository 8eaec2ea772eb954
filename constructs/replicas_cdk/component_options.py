"""`ComponentOptions`: buckets, secrets and images of one component, passed as constructs of the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from replicas_cdk.container_image import ContainerImage

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_secretsmanager as secretsmanager


@dataclass(frozen=True)
class S3Location:
    """Location of weights in a bucket: a prefix, or the key of an archive."""

    bucket: s3.IBucket
    prefix: str
    """Prefix that ends with a slash, for example `qwen3-8b/`. For an adapter, the key of an archive is also allowed,
    for example `sql.tar.gz`."""


@dataclass(frozen=True, kw_only=True)
class ComponentOptions:
    """Constructs that one component uses. The deployment marks each of them with `FROM_PROPS`, for example
    `Component(weights=FROM_PROPS)`.
    """

    weights: S3Location | None = None
    """Uncompressed weights. Requires `weights=FROM_PROPS` in the `Component`. Default: the weights that the plan
    names."""
    adapters: Mapping[str, S3Location] = field(default_factory=dict)
    """Weights by adapter name. Requires `weights=FROM_PROPS` in each `Adapter`. Default: the weights in the plan."""
    token_secret: secretsmanager.ISecret | None = None
    """Secret whose string is a Hugging Face token, for a gated model with `token_secret=FROM_PROPS`. Default: the
    secret of the endpoint, or the secret that the plan names."""
    image: ContainerImage | None = None
    """Container image with the engine and version of the plan. Default: the image of the publisher."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the container in addition to the variables of the plan. Values may be CDK tokens, except
    for variables that sizing reads. Default: none."""
