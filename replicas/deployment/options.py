"""Options of a deployment beyond its sizes: scaling, updates, security, monitoring, placement, adapters, traffic.

All are off unless they are asked for, and none costs money unless the plan says so. Bounds are those of the
CloudFormation schemas and of SageMaker's API reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from replicas.deployment.patterns import (
    IDENTIFIER,
    KMS_KEY,
    KMS_KEY_ARN,
    NAME,
    POLICY_ARN,
    S3_PREFIX,
    SCHEDULE,
    SECURITY_GROUP,
    SUBNET,
    TAG,
    TOPIC_ARN,
)

_STRICT = ConfigDict(strict=True, revalidate_instances="always")
_Count = Annotated[int, Field(ge=1)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Tag = Annotated[str, Field(pattern=TAG, min_length=1, max_length=256)]

LogRetentionDays = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557]
"""Those of CloudWatch Logs (PutRetentionPolicy) up to seven years."""

MetricSeconds = Literal[10, 30, 60, 120, 180, 240, 300]
"""Those of EndpointConfig's MetricPublishFrequencyInSeconds."""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What a component is expected to carry. Forecasts, reviews and recommendations answer for it."""

    users: _Count | None = None
    """Users in a closed loop: each asks, waits for the answer, asks again. Either this or a rate."""
    requests_per_second: _Positive | None = None
    """Requests that arrive whether earlier ones are answered or not."""
    input_tokens: _Count
    output_tokens: _Count

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A time at which the bounds of a component's copies change: business hours, nights."""

    name: Annotated[str, Field(pattern=IDENTIFIER, max_length=63)]
    at: Annotated[str, Field(pattern=SCHEDULE)]
    """As Application Auto Scaling takes it: `cron(0 8 ? * MON-FRI *)`, `rate(1 hour)`, `at(2027-01-01T08:00:00)`."""
    timezone: str = "UTC"
    """IANA name: `Europe/Berlin`."""
    min_copies: Annotated[int, Field(ge=0)]
    """Floor from then on; 0 only where the scaling is `to_zero`."""
    max_copies: _Count | None = None
    """Ceiling from then on. Default: the scaling's own."""

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """Copies of a component follow its load. The floor is the component's `copies` (1 where none are wished)."""

    max_copies: _Count | None = None
    """Default: as many as fit the ceiling of the instances, with the other components in turn."""
    to_zero: bool = False
    """Down to no copy when idle. A request then fails with HTTP 400 and wakes it; the next ones are answered when a
    copy is up, about 10 minutes later on AWS."""
    wake_on_request: bool = True
    """The alarm that the failed request triggers. Without it only a schedule brings copies back."""
    concurrent_requests_per_copy: _Positive | None = None
    """Target: requests in flight on each copy, watched every 10 seconds. Default: three quarters of what the KV cache
    holds of the declared traffic's requests (of full-length ones without)."""
    invocations_per_copy: _Positive | None = None
    """Target in its place: requests a minute on each copy."""
    scale_out_cooldown_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    scale_in_cooldown_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    schedules: Sequence[Schedule] = ()

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class InstanceScaling:
    """Instances follow the copies (managed instance scaling). The proof covers both bounds."""

    max_instances: Annotated[int, Field(ge=1, le=100)]
    min_instances: Annotated[int, Field(ge=0, le=100)] | None = None
    """Default: the deployment's `instances`; 0 where every component scales to zero."""
    scale_in: Literal["idle-release", "consolidation"] | None = None
    """Only idle instances are released, or copies are moved together first. Default: the service's own."""
    scale_in_cooldown_minutes: Annotated[int, Field(ge=5, le=1440)] | None = None
    """Default: the service's own, 20."""
    scale_in_step: Annotated[int, Field(ge=1, le=100)] | None = None
    """Instances released at once. Default: the service's own, 1."""

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """How an update of a component replaces its copies: batch by batch, and back where alarms go off."""

    batch_copies: _Count | None = None
    """Copies replaced at once: 5 to 50 % of them, and so many must have room beside the old ones. Default: the fewest
    that the service takes."""
    wait_seconds: Annotated[int, Field(ge=0, le=3600)] = 120
    """How long the alarms watch each batch."""
    timeout_seconds: Annotated[int, Field(ge=600, le=28800)] | None = None
    """Of the whole roll. Default: the start-up timeout and the wait of every batch, and as much again."""
    roll_back: bool = True
    """Back to the version before when an alarm of the component goes off during the roll. Makes the alarms of
    `Monitoring` where they are not made already."""

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Which instance a copy goes to, where there are several."""

    strategy: Literal["spread", "binpack"] = "spread"
    """`spread` survives the loss of an instance; `binpack` frees instances for managed scaling."""
    max_zone_imbalance: Annotated[int, Field(ge=0, le=100)] = 0
    """Copies that one availability zone may have more than another; kept where possible."""

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """A LoRA adapter on a component's model: an inference component of its own, on the copies of its base."""

    name: Annotated[str, Field(pattern=NAME, max_length=63)]
    weights: Annotated[str, Field(pattern=S3_PREFIX)]
    """`s3://bucket/prefix/` with `adapter_config.json` and the weights."""
    rank: Annotated[int, Field(ge=1, le=512)]
    """`r` of its `adapter_config.json`: the engine sets memory aside for the largest."""

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class PrefixAwareRouting:
    """Requests with the same beginning go to the same copy, whose prefix cache holds it."""

    prefix_length: Annotated[int, Field(ge=1024, le=65536)] = 1024
    """Bytes of a request that are compared."""
    concurrency_threshold: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Requests in flight on a copy from which another one is taken. Default: the service's own."""

    __pydantic_config__ = _STRICT


Routing = Literal["least-outstanding-requests", "random"] | PrefixAwareRouting


@dataclass(frozen=True, kw_only=True)
class Vpc:
    """The network that containers see. Without a way out of it, weights must lie in S3."""

    subnets: Annotated[Sequence[Annotated[str, Field(pattern=SUBNET)]], Field(min_length=1, max_length=16)]
    security_groups: Annotated[
        Sequence[Annotated[str, Field(pattern=SECURITY_GROUP)]], Field(min_length=1, max_length=5)
    ]

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class Security:
    """What an organisation asks for around an endpoint."""

    vpc: Vpc | None = None
    kms_key: Annotated[str, Field(pattern=KMS_KEY, max_length=2048)] | None = None
    """Key of the volumes: ARN or id. Families with local NVMe storage encrypt by hardware and take none."""
    weights_kms_key: Annotated[str, Field(pattern=KMS_KEY_ARN)] | None = None
    """ARN of the key that weights in S3 are encrypted with: the execution role may decrypt with it, through S3."""
    permissions_boundary: Annotated[str, Field(pattern=POLICY_ARN)] | None = None
    """ARN of the policy that bounds the execution role."""
    tags: Mapping[_Tag, _Tag] = field(default_factory=dict)
    """On every resource that takes tags."""

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """When an alarm of a component goes off, per minute: two of three minutes in a row."""

    server_errors: _Count = 5
    """HTTP 5xx of SageMaker."""
    model_errors: _Count = 5
    """Answers of the container that are not 2xx."""
    no_capacity: _Count | None = 1
    """Requests that found no copy. Not made where the component scales to zero: there it is what wakes it."""
    latency_p90_seconds: _Positive | None = None
    """Time in the container. Default: none, for it depends on how many tokens are asked for."""

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """What people see of an endpoint, and what calls them."""

    alarms: Alarms | None = None
    topic: Annotated[str, Field(pattern=TOPIC_ARN)] | None = None
    """SNS topic that alarms and their ends are sent to."""
    dashboard: bool = False
    log_retention_days: LogRetentionDays | None = None
    """The stack owns the components' log groups, and they expire. Default: SageMaker makes them, for ever."""
    enhanced_metrics_seconds: MetricSeconds | None = None
    """Metrics of each instance, container and accelerator, so often."""

    __pydantic_config__ = _STRICT
