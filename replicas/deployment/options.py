"""Options of a deployment other than sizes: scaling, updates, security, monitoring, placement, adapters, traffic.

All options are off by default. The plan lists every option that costs money. The bounds of the values come from the
CloudFormation schemas and SageMaker's API reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from replicas.deployment.bounds import (
    MAX_COPIES,
    MAX_INSTANCES,
    MAX_REQUEST_TOKENS,
    MAX_REQUESTS_PER_MINUTE,
    MAX_REQUESTS_PER_SECOND,
    MAX_RESPONSE_SECONDS,
    MAX_SCHEDULES,
    MAX_USERS,
)
from replicas.deployment.patterns import (
    ACCOUNT,
    IDENTIFIER,
    KMS_KEY,
    KMS_KEY_ARN,
    NAME,
    POLICY_ARN,
    ROLE_ARN,
    S3_ARTIFACT,
    S3_DESTINATION,
    SCHEDULE,
    SECURITY_GROUP,
    SUBNET,
    TAG,
    TOPIC_ARN,
)

_STRICT = ConfigDict(strict=True, revalidate_instances="always")
_Copies = Annotated[int, Field(ge=1, le=MAX_COPIES)]
_Tokens = Annotated[int, Field(ge=1, le=MAX_REQUEST_TOKENS)]
_Failures = Annotated[int, Field(ge=1, le=MAX_REQUESTS_PER_MINUTE)]
_Tag = Annotated[str, Field(pattern=TAG, min_length=1, max_length=256)]

LogRetentionDays = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557]
"""Retention periods that CloudWatch Logs accepts (PutRetentionPolicy), up to seven years."""

MetricSeconds = Literal[10, 30, 60, 120, 180, 240, 300]
"""Values that EndpointConfig's MetricPublishFrequencyInSeconds accepts."""


def _no_boolean(days: Any) -> Any:
    """Refuse True, which equals 1 in Python."""
    if isinstance(days, bool):
        raise PydanticCustomError("no_boolean", "give a number of days")
    return days


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Expected load of a component. Forecasts, reviews and recommendations use it."""

    users: Annotated[int, Field(ge=1, le=MAX_USERS)] | None = None
    """Users in a closed loop: each user sends a request, waits for the answer and sends the next request. Give either
    users or a rate."""
    requests_per_second: Annotated[float, Field(gt=0, le=MAX_REQUESTS_PER_SECOND, allow_inf_nan=False)] | None = None
    """Arrival rate: requests arrive regardless of whether earlier requests have been answered."""
    input_tokens: _Tokens
    output_tokens: Annotated[int, Field(ge=0, le=MAX_REQUEST_TOKENS)] = 0
    """Length of an answer in tokens; 0 for embeddings and scores."""
    objective: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Maximum latencies in the format of `replicas recommend --objective`: `ttft_p90=0.5,latency_p90=15`. The plan
    warns if its forecast exceeds one of them. Default: none."""

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A scheduled action that changes the minimum and maximum number of copies, for example at night."""

    name: Annotated[str, Field(pattern=IDENTIFIER, max_length=63)]
    at: Annotated[str, Field(pattern=SCHEDULE)]
    """Schedule expression of Application Auto Scaling: `cron(0 8 ? * MON-FRI *)`, `rate(1 hour)`,
    `at(2027-01-01T08:00:00)`."""
    timezone: str = "UTC"
    """IANA name of a time zone, for example `Europe/Berlin`."""
    min_copies: Annotated[int, Field(ge=0, le=MAX_COPIES)]
    """Minimum number of copies from this time on; 0 requires `to_zero` in the scaling."""
    max_copies: _Copies | None = None
    """Maximum number of copies from this time on. Default: the maximum of the scaling."""

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """Auto scaling of a component's copies. The minimum is `copies` of the component, or 1 if `copies` is omitted."""

    max_copies: _Copies | None = None
    """Maximum number of copies. Default: as many as fit on the maximum number of instances. Several components get
    copies in turn."""
    to_zero: bool = False
    """Scale to zero copies when idle. The next request fails with HTTP 400 and starts a copy. Requests are answered
    again when the copy runs, about 10 minutes later on AWS."""
    wake_on_request: bool = True
    """Create the alarm that scales out from zero when a request fails. Without it only a schedule adds copies."""
    concurrent_requests_per_copy: Annotated[float, Field(gt=0, le=MAX_USERS, allow_inf_nan=False)] | None = None
    """Scaling target: requests in flight per copy, measured every 10 seconds. Default: three quarters of the requests
    that fit in the KV cache at the lengths of the declared traffic, or at full length without declared traffic."""
    invocations_per_copy: Annotated[float, Field(gt=0, le=MAX_REQUESTS_PER_MINUTE, allow_inf_nan=False)] | None = None
    """Scaling target in requests per minute and copy, instead of requests in flight."""
    scale_out_cooldown_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    scale_in_cooldown_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    schedules: Annotated[Sequence[Schedule], Field(max_length=MAX_SCHEDULES)] = ()

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class InstanceScaling:
    """Managed instance scaling: SageMaker changes the number of instances with the number of copies.

    The plan proves that the minimum and the maximum number of copies fit.
    """

    max_instances: Annotated[int, Field(ge=1, le=MAX_INSTANCES)]
    min_instances: Annotated[int, Field(ge=0, le=MAX_INSTANCES)] | None = None
    """Minimum number of instances. Default: the deployment's `instances`; 0 if every component scales to zero."""
    scale_in: Literal["idle-release", "consolidation"] | None = None
    """`idle-release` releases only idle instances; `consolidation` first moves copies together. Default: SageMaker's
    default."""
    scale_in_cooldown_minutes: Annotated[int, Field(ge=5, le=1440)] | None = None
    """Minimum time between two scale-ins. Default: SageMaker's default, 20."""
    scale_in_step: Annotated[int, Field(ge=1, le=100)] | None = None
    """Number of instances that one scale-in releases. Default: SageMaker's default, 1."""

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """Rolling update of a component: replaces copies in batches, and rolls back if an alarm goes off."""

    batch_copies: _Copies | None = None
    """Copies per batch, 5 to 50 % of all copies. The instances need capacity for one batch of new copies in addition to
    all old copies. Default: the smallest batch that SageMaker accepts."""
    wait_seconds: Annotated[int, Field(ge=0, le=3600)] = 120
    """Waiting time after each batch. An alarm during this time triggers the rollback."""
    timeout_seconds: Annotated[int, Field(ge=600, le=28800)] | None = None
    """Timeout of the whole update. Default: 2 x batches x (start-up timeout + waiting time)."""
    roll_back: bool = True
    """Roll back to the previous version if an alarm of the component goes off during the update. Creates the alarms of
    `Monitoring` if they do not exist."""

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Placement of copies if the endpoint has several instances."""

    strategy: Literal["spread", "binpack"] = "spread"
    """`spread` distributes copies, so that some survive the loss of an instance; `binpack` frees instances for managed
    scaling."""
    max_zone_imbalance: Annotated[int, Field(ge=0, le=100)] = 0
    """Maximum difference in copies between two availability zones. SageMaker complies if possible."""

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """A LoRA adapter of a component's model. It is deployed as an inference component on the copies of its
    base component.
    """

    name: Annotated[str, Field(pattern=NAME, max_length=63)]
    weights: Annotated[str, Field(pattern=S3_ARTIFACT)]
    """`s3://bucket/prefix/` with `adapter_config.json` and the weights, or an archive of them,
    `s3://bucket/name.tar.gz`."""
    weights_account: Annotated[str, Field(pattern=ACCOUNT)] | None = None
    """Account that owns the bucket of `weights`. Default: the account of the deployment. The execution role can read
    the bucket only if this account owns it."""
    rank: Annotated[int, Field(ge=1, le=512)]
    """`r` in the adapter's `adapter_config.json`. The engine reserves memory for the largest rank of all adapters."""

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class PrefixAwareRouting:
    """Routing that sends requests with the same prefix to the same copy, so that its prefix cache is used."""

    prefix_length: Annotated[int, Field(ge=1024, le=65536)] = 1024
    """Length of the prefix that is compared, bytes."""
    concurrency_threshold: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Number of requests in flight on a copy from which on requests with the same prefix go to other copies. Default:
    SageMaker's default."""

    __pydantic_config__ = _STRICT


Routing = Literal["least-outstanding-requests", "random"] | PrefixAwareRouting


@dataclass(frozen=True, kw_only=True)
class Vpc:
    """VPC of the containers. If it has no route to the internet, weights must be in S3."""

    subnets: Annotated[Sequence[Annotated[str, Field(pattern=SUBNET)]], Field(min_length=1, max_length=16)]
    security_groups: Annotated[
        Sequence[Annotated[str, Field(pattern=SECURITY_GROUP)]], Field(min_length=1, max_length=5)
    ]

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class Security:
    """Security requirements of an organisation for an endpoint."""

    vpc: Vpc | None = None
    kms_key: Annotated[str, Field(pattern=KMS_KEY, max_length=2048)] | None = None
    """KMS key of the storage volumes: ARN or id. Not allowed for instance families with local NVMe storage, which is
    encrypted by hardware."""
    weights_kms_key: Annotated[str, Field(pattern=KMS_KEY_ARN)] | None = None
    """ARN of the KMS key that encrypts the weights in S3. The execution role may use it to decrypt through S3."""
    execution_role: Annotated[str, Field(pattern=ROLE_ARN)] | None = None
    """ARN of an existing execution role. The stack does not change its rights: the role must be able to pull the image,
    read the weights and write logs. Default: the stack creates a role with the rights that the plan needs."""
    permissions_boundary: Annotated[str, Field(pattern=POLICY_ARN)] | None = None
    """ARN of the permissions boundary of the execution role."""
    tags: Mapping[_Tag, _Tag] = field(default_factory=dict)
    """Tags of every resource that supports tags."""

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """Alarm thresholds of a component, per minute. An alarm goes off if two of three minutes reach its threshold."""

    server_errors: _Failures = 5
    """HTTP 5xx responses of SageMaker."""
    model_errors: _Failures = 5
    """Responses of the container with a status other than 2xx."""
    no_capacity: _Failures | None = 1
    """Requests that failed because no copy was running. The alarm is not created if the component scales to zero,
    because such a request then starts a copy."""
    latency_p90_seconds: Annotated[float, Field(gt=0, le=MAX_RESPONSE_SECONDS, allow_inf_nan=False)] | None = None
    """Threshold for the 90th percentile of the time in the container. Default: no alarm, because the time depends on
    the length of the answers."""

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """Alarms, dashboard, logs and metrics of an endpoint."""

    alarms: Alarms | None = None
    topic: Annotated[str, Field(pattern=TOPIC_ARN)] | None = None
    """SNS topic that is notified when an alarm goes off and when it recovers."""
    dashboard: bool = False
    log_retention_days: Annotated[LogRetentionDays | None, BeforeValidator(_no_boolean)] = None
    """Retention of the components' log groups, which the stack then creates. Default: SageMaker creates log groups
    whose events never expire."""
    enhanced_metrics_seconds: MetricSeconds | None = None
    """Interval of the enhanced metrics of each instance, container and accelerator. Default: no enhanced metrics."""

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, kw_only=True)
class DataCapture:
    """Capture of requests and answers in S3 (SageMaker Data Capture). `replicas trace` makes a trace from the files.

    The files contain the texts of users. The bucket's policy and lifecycle decide who can read them, and for how long.
    """

    destination: Annotated[str, Field(pattern=S3_DESTINATION, max_length=512)]
    """S3 prefix to which SageMaker writes, in a bucket of the stack's account and region."""
    percent: Annotated[int, Field(ge=1, le=100)] = 100
    """Percentage of the requests that are captured."""
    kms_key: Annotated[str, Field(pattern=KMS_KEY_ARN)] | None = None
    """KMS key that encrypts the objects. Default: the encryption of the bucket."""

    __pydantic_config__ = _STRICT
