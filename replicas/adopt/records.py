"""A live endpoint and its components, as responses of AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replicas.aws.target import base_of, specifications_of

Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class LiveScaling:
    """Autoscaling of a component, as responses of Application Auto Scaling."""

    target: Json
    policies: tuple[Json, ...]
    schedules: tuple[Json, ...]


@dataclass(frozen=True, kw_only=True)
class LiveComponent:
    """An inference component or an adapter."""

    name: str
    described: Json
    """Response of DescribeInferenceComponent."""
    models: Mapping[str, Json]
    """Response of DescribeModel for each model in the specifications, by model name."""
    tags: Mapping[str, str]
    scaling: LiveScaling | None = None

    @property
    def base(self) -> str | None:
        """Name of the base component of an adapter; None for a component with its own copies."""
        return base_of(self.described)

    @property
    def specifications(self) -> list[dict[str, Any]]:
        """Specifications of the component: one, or one per instance type."""
        return specifications_of(self.described)


@dataclass(frozen=True, kw_only=True)
class LiveEndpoint:
    """An endpoint with its configuration, components, models and tags."""

    name: str
    region: str
    described: Json
    """Response of DescribeEndpoint."""
    configuration: Json
    """Response of DescribeEndpointConfig for the configuration in use."""
    components: tuple[LiveComponent, ...]
    """Components to take over, without adapters, oldest first."""
    adapters: tuple[LiveComponent, ...]
    left_out: tuple[LiveComponent, ...]
    """Components and adapters on the endpoint that are not taken over."""
    tags: Mapping[str, Mapping[str, str]]
    """Tags of the endpoint, its configuration and the models, by ARN."""
    stack: str | None
    """Name of the CloudFormation stack that contains the endpoint; None if no stack does."""

    @property
    def account(self) -> str:
        """The account, from the ARN."""
        return str(self.described["EndpointArn"]).split(":")[4]

    @property
    def variant(self) -> Json:
        """The only production variant of the configuration."""
        variant: Json = self.configuration["ProductionVariants"][0]
        return variant
