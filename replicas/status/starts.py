"""Measures how long the components of a deployment took to start, from stack events, descriptions and logs.

The events of a stack state when its endpoint and components were requested and when they were ready. Without a stack,
the descriptions state it for components that were never updated. The logs of the containers state the duration of
phases, if the engine logs them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from replicas.aws.deployed import Deployed, DeployedComponent
from replicas.aws.instances import groups_of
from replicas.aws.session import Aws, explain
from replicas.aws.target import base_of, container_of, copies_by_type, serving_specification
from replicas.engines import EngineKind, engine_of_image, model_of, repository_and_tag
from replicas.engines.starts import EnginePhase
from replicas.names import LogGroup, ResourceType
from replicas.start.phases import PHASE_OF_ENGINE, PhaseName
from replicas.start.records import Origin, StartRecord
from replicas.status.status import Unmeasured

_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_STREAMS = 8
_EVENTS = 10_000


@dataclass(frozen=True)
class _Times:
    """Times at which a resource was requested and ready."""

    asked: datetime
    ready: datetime

    @property
    def seconds(self) -> float:
        return max(0.0, (self.ready - self.asked).total_seconds())


class _NotMeasuredError(Exception):
    """A start cannot be measured. The message is the reason."""


def measure_starts(aws: Aws, deployed: Deployed) -> tuple[StartRecord | Unmeasured, ...]:
    """Return the measured start of each component, or why it could not be measured. Adapters have no start of their
    own.
    """
    return tuple(_measured(aws, deployed))


def _measured(aws: Aws, deployed: Deployed) -> Iterator[StartRecord | Unmeasured]:
    created = _created_by_stack(aws, deployed) if deployed.stack_id else {}
    sagemaker = aws.client("sagemaker")
    endpoint = sagemaker.describe_endpoint(EndpointName=deployed.endpoint_name)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    types = sorted({name for group in groups_of(endpoint, config) for name in group.types})
    endpoint_times = created.get(_key(deployed.endpoint_name))
    for component in deployed.components:
        described = sagemaker.describe_inference_component(InferenceComponentName=component.name)
        if base_of(described):
            continue
        try:
            times = created.get(_key(component.name)) or _times_of_description(described)
            yield _record(aws, deployed, component, described, types, times, endpoint_times)
        except _NotMeasuredError as reason:
            yield Unmeasured(component.label, str(reason))
        except ClientError as fault:
            yield Unmeasured(component.label, str(explain(fault)))


def _record(
    aws: Aws,
    deployed: Deployed,
    component: DeployedComponent,
    described: Mapping[str, Any],
    types: list[str],
    times: _Times,
    endpoint_times: _Times | None,
) -> StartRecord:
    specification = serving_specification(described)
    container = container_of(aws.client("sagemaker"), specification)
    image = container.get("Image") or ""
    kind, (_, tag) = engine_of_image(image), repository_and_tag(image)
    version = kind.version_of(tag) if kind else None
    if kind is None or version is None:
        raise _NotMeasuredError("the engine or the version of its image is not known")
    source = container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri")
    model = model_of(container.get("Environment", {}), image)
    if model is None or (model.startswith("/") and source is None):
        raise _NotMeasuredError("no variable of its container names its model")
    running = sorted(copies_by_type(described)) or types
    if len(running) != 1:
        raise _NotMeasuredError(f"its copies run on several instance types: {', '.join(running)}")
    accelerators = specification.get("ComputeResourceRequirements", {}).get("NumberOfAcceleratorDevicesRequired")
    return StartRecord(
        deployment=deployed.name,
        component=component.label,
        model=source if model.startswith("/") and source else model,
        engine=f"{kind.name}-{version}",
        instance_type=running[0],
        accelerators=int(accelerators or 1),
        copies=described.get("RuntimeConfig", {}).get("DesiredCopyCount") or 1,
        weights="s3" if source else "hub",
        region=aws.region,
        measured=times.asked.astimezone(UTC).date().isoformat(),
        origin=_origin(aws),
        endpoint_seconds=endpoint_times.seconds if endpoint_times else None,
        component_seconds=times.seconds,
        phase_seconds=_phases(aws, component.name, kind),
    )


def _origin(aws: Aws) -> Origin:
    """Return `aws` if the client calls AWS, and `embedded-aws` if it calls any simulation of AWS."""
    host = urlsplit(aws.client("sagemaker").meta.endpoint_url).hostname or ""
    return "aws" if host.endswith(_AWS_DOMAINS) else "embedded-aws"


def _created_by_stack(aws: Aws, deployed: Deployed) -> dict[str, _Times]:
    """Return when the endpoint and components of a stack were requested and ready, by their names in lower case.

    Only creations count. A resource that was updated later has the times of its creation.
    """
    ready: dict[str, tuple[datetime, str]] = {}
    asked: dict[str, datetime] = {}
    closed: set[str] = set()
    pages = aws.client("cloudformation").get_paginator("describe_stack_events")
    for page in pages.paginate(StackName=deployed.stack_id or deployed.name):
        for event in page["StackEvents"]:  # newest first
            if event.get("ResourceType") not in (ResourceType.ENDPOINT, ResourceType.COMPONENT):
                continue
            logical, status = event["LogicalResourceId"], event["ResourceStatus"]
            if status == "CREATE_COMPLETE":
                if logical in ready:
                    closed.add(logical)
                ready.setdefault(logical, (event["Timestamp"], event.get("PhysicalResourceId", "")))
            elif status == "CREATE_IN_PROGRESS" and logical in ready and logical not in closed:
                asked[logical] = event["Timestamp"]
    return {_key(name): _Times(asked[logical], moment) for logical, (moment, name) in ready.items() if logical in asked}


def _times_of_description(described: Mapping[str, Any]) -> _Times:
    """Return the times in the description of a component that was never updated."""
    if described["InferenceComponentStatus"] != "InService":
        raise _NotMeasuredError(f"it is {described['InferenceComponentStatus']}")
    if "LastDeploymentConfig" in described:
        raise _NotMeasuredError("no event records its creation, and it was updated since")
    return _Times(described["CreationTime"], described["LastModifiedTime"])


def _key(name: str) -> str:
    return name.rpartition("/")[2].lower()


def _phases(aws: Aws, component: str, kind: EngineKind) -> dict[PhaseName, float]:
    """Return the seconds of each phase in the containers' logs. The slowest copy counts."""
    logs, group = aws.client("logs"), LogGroup.of_component(component)
    found: dict[EnginePhase, float] = {}
    try:
        streams = logs.describe_log_streams(logGroupName=group, limit=_STREAMS)["logStreams"]
        for stream in streams:
            events = logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], limit=_EVENTS, startFromHead=True
            )["events"]
            for phase, seconds in kind.phases_in_log(event["message"] for event in events).items():
                found[phase] = max(seconds, found.get(phase, 0.0))
    except ClientError:  # no log group yet, or no right to read it: the phases stay unknown
        return {}
    return {PHASE_OF_ENGINE[phase]: seconds for phase, seconds in found.items()}
