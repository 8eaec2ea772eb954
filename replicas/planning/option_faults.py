"""Faults of single options and of combinations of options, found without sizing. Each message names the fix."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from replicas.catalogue import data
from replicas.catalogue.tasks import Task
from replicas.deployment.deployment import Component, Deployment
from replicas.deployment.options import Scaling
from replicas.endpoint import schedules
from replicas.errors import UsageError, looks_like_token
from replicas.load.objectives import Bounds

VPC_ENDPOINTS = ("ecr.api", "ecr.dkr", "logs", "monitoring", "sts")
"""Interface endpoints that subnets without internet access need. S3 needs only a gateway endpoint, which is free."""

_CRON_FIELDS = 6
_TAGS = 50
_TAG_KEY = 128


def component_problems(component: Component, task: Task) -> Iterator[str]:
    """Yield the faults of the options of one component."""
    traffic, scaling = component.traffic, component.scaling
    if traffic and (traffic.users is None) == (traffic.requests_per_second is None):
        yield "traffic= needs either users= or requests_per_second=, not both"
    if traffic and task == "generate" and not traffic.output_tokens:
        yield "traffic.output_tokens=0: set it to the length of an answer, at least 1"
    if traffic and task != "generate" and traffic.output_tokens:
        yield f"traffic.output_tokens={traffic.output_tokens}: task={task!r} generates no tokens: leave it out"
    if traffic and traffic.objective is not None:
        yield from _objective_problems(traffic.objective, traffic.output_tokens, task)
    if scaling:
        yield from _scaling_problems(scaling)


def deployment_problems(deployment: Deployment) -> Iterator[str]:
    """Yield the faults of the options of a deployment."""
    yield from _instance_problems(deployment)
    yield from _name_problems(deployment)
    monitoring = deployment.monitoring
    if monitoring.topic and not monitoring.alarms and not any(component.rollout for component in deployment.components):
        yield "monitoring.topic= has no alarms to send: set alarms=Alarms()"
    reads_s3 = any(component.weights or component.adapters for component in deployment.components)
    if deployment.security.weights_kms_key and not reads_s3:
        yield "security.weights_kms_key= decrypts nothing, because no weights are in S3: leave it out"
    yield from _role_problems(deployment)
    if deployment.region:
        arns = {
            "security.kms_key": deployment.security.kms_key,
            "security.weights_kms_key": deployment.security.weights_kms_key,
            "monitoring.topic": monitoring.topic,
            "data_capture.kms_key": deployment.data_capture.kms_key if deployment.data_capture else None,
            "capacity_reservation": deployment.capacity_reservation,
        }
        for option, arn in arns.items():
            region = arn.split(":")[3] if arn and arn.startswith("arn:") else None
            if region and region != deployment.region:
                there = deployment.region
                yield f"{option}={arn!r} is in {region}, the deployment in {there}: use a resource in {there}"
    yield from tag_problems("security.tags", deployment.security.tags)


def tag_problems(option: str, tags: Mapping[str, str]) -> Iterator[str]:
    """Yield the faults of the tags of an option, for example `security.tags`. A value may be a CDK token."""
    if len(tags) > _TAGS:
        yield f"{option} has {len(tags)} entries: keep at most {_TAGS}"
    for key, value in tags.items():
        if key.lower().startswith("aws:"):
            yield f"{option}[{key!r}]: AWS reserves names that begin with aws:, so rename it"
        if len(key) > _TAG_KEY:
            yield f"{option}[{key[:40]!r}]: names may have at most {_TAG_KEY} characters"
        if looks_like_token(key) or looks_like_token(value):
            yield f"{option}[{key!r}] would put a token into the template: leave it out"


def _role_problems(deployment: Deployment) -> Iterator[str]:
    """Yield a problem for each option that cannot apply to an existing execution role, or if its account is wrong."""
    security = deployment.security
    if security.execution_role is None:
        return
    options = {"permissions_boundary": security.permissions_boundary, "weights_kms_key": security.weights_kms_key}
    for option, value in options.items():
        if value:
            yield (
                f"security.{option}= applies to a role that the stack creates, but security.execution_role= names an "
                "existing role: leave one of the two out"
            )
    account = security.execution_role.split(":")[4]
    if deployment.account and account != deployment.account:
        yield (
            f"security.execution_role={security.execution_role!r} is in account {account}, the deployment in "
            f"{deployment.account}: use a role of account {deployment.account}"
        )


def notes(deployment: Deployment) -> Iterator[str]:
    """Yield the requirements of a deployment outside its template."""
    components = deployment.components
    if deployment.security.execution_role:
        yield (
            "the stack does not change the rights of security.execution_role: the role must be able to pull the image, "
            "read weights and adapters in S3, and write logs and metrics"
        )
    if deployment.security.vpc:
        yield (
            "the subnets of security.vpc need access to S3 (gateway endpoint) and, without internet access, the "
            f"interface endpoints {', '.join(VPC_ENDPOINTS[:-1])} and {VPC_ENDPOINTS[-1]}"
        )
        if any(component.weights is None for component in components):
            yield "the subnets of security.vpc need internet access (NAT) to load weights from the Hub"
    if deployment.data_capture:
        yield (
            f"data_capture= writes the texts of users to {deployment.data_capture.destination}: set read access and "
            "retention on that bucket"
        )
    if deployment.monitoring.topic:
        yield (
            "the topic's policy must allow cloudwatch.amazonaws.com to publish; if the topic is encrypted, the policy "
            "of its key must allow decryption"
        )
    if any(component.adapters for component in components):
        yield "adding an adapter adds a slot to the engine, which needs a rolling update of its base component"


def open_questions(deployment: Deployment) -> Iterator[str]:
    """Yield a warning for each option whose effect AWS does not document."""
    if deployment.data_capture:
        yield (
            "data_capture=: AWS does not document whether it captures requests to inference components: look for "
            f"objects under {deployment.data_capture.destination} after the first requests"
        )


def _objective_problems(objective: str, output_tokens: int, task: Task) -> Iterator[str]:
    """Yield a problem for each limit of an objective that cannot be read or does not apply to the answers."""
    try:
        bounds = Bounds.parse(objective, option="traffic.objective").bounds
    except UsageError as fault:
        yield str(fault)
        return
    for bound in bounds:
        if task != "generate" and bound.figure != "latency":
            yield (
                f"traffic.objective={bound}: task={task!r} generates no tokens: use latency_{bound.percentile} instead"
            )
        elif bound.figure == "tpot" and output_tokens == 1:
            yield f"traffic.objective={bound}: an answer of one token has no time per further token: leave it out"


def _scaling_problems(scaling: Scaling) -> Iterator[str]:
    if scaling.concurrent_requests_per_copy and scaling.invocations_per_copy:
        yield (
            "scaling= takes either concurrent_requests_per_copy= or invocations_per_copy=, not both: two targets would "
            "scale against each other"
        )
    names = Counter(schedule.name for schedule in scaling.schedules)
    for name, times in names.items():
        if times > 1:
            yield f"scaling.schedules: {times} are named {name!r}: give each its own name"
    for schedule in scaling.schedules:
        where = f"scaling.schedules[{schedule.name!r}]"
        if scaling.max_copies and (schedule.max_copies or 0) > scaling.max_copies:
            yield (
                f"{where}: max_copies={schedule.max_copies} is above scaling.max_copies={scaling.max_copies}, up to "
                f"which copies are proven to fit: lower it to {scaling.max_copies} or less"
            )
        if schedule.at.startswith("cron(") and len(schedule.at[5:-1].split()) != _CRON_FIELDS:
            yield f"{where}: at={schedule.at!r}: cron needs six fields (minute hour day month weekday year)"
        elif isinstance(schedule.at, str) and (fault := _expression_fault(schedule.at)):
            yield f"{where}: at={schedule.at!r}: {fault}"
        if not _is_timezone(schedule.timezone):
            yield f"{where}: timezone={schedule.timezone!r} is not known: use an IANA name such as Europe/Berlin"
    if not scaling.to_zero and not scaling.wake_on_request:
        yield "scaling.wake_on_request=False has no effect without to_zero=True: leave it out"


def _expression_fault(text: str) -> str | None:
    """Return Application Auto Scaling's message for an invalid schedule expression, or a message that the schedule
    never runs; None for any other schedule.
    """
    try:
        schedule = schedules.read(text, "UTC", scale=1, begin=0)
    except schedules.ScheduleError as fault:
        return str(fault)
    never = schedules.never_runs(text, schedule, data.known_to_be_past())
    return f"{never}: correct its day, month and year" if never else None


def _is_timezone(name: str) -> bool:
    """True if the name is a valid time zone. Without time-zone data, only the characters are checked."""
    if not re.fullmatch(r"[A-Za-z0-9_+/-]+", name):
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        try:
            ZoneInfo("Europe/Berlin")
        except ZoneInfoNotFoundError:
            return True
        return False
    return True


def _instance_problems(deployment: Deployment) -> Iterator[str]:
    bounds = deployment.instance_scaling
    if bounds:
        options = {"scale_in_cooldown_minutes": bounds.scale_in_cooldown_minutes, "scale_in_step": bounds.scale_in_step}
        for option, value in options.items():
            if value is not None and bounds.scale_in is None:
                yield f"instance_scaling.{option}={value} needs scale_in='idle-release' or 'consolidation'"
    pools = deployment.fallback_instance_types
    if not pools:
        return
    for name, times in Counter([deployment.instance_type, *pools]).items():
        if times > 1:
            yield f"instance type {name!r} is listed {times} times in the pools: list it once"
    if deployment.routing != "least-outstanding-requests":
        yield "fallback_instance_types= needs routing='least-outstanding-requests': leave routing out"
    if deployment.capacity_reservation:
        yield "capacity_reservation= reserves one instance type: leave fallback_instance_types out"


def _name_problems(deployment: Deployment) -> Iterator[str]:
    """Yield name conflicts of components and adapters. Adapters are components too, so all names must differ."""
    names = [component.name or deployment.name for component in deployment.components]
    adapters = [adapter.name for component in deployment.components for adapter in component.adapters]
    for name, times in Counter(adapters).items():
        if times > 1:
            yield f"{times} adapters are named {name!r}: give each its own name"
    folded = {_folded(name): name for name in names}
    for name in dict.fromkeys(adapters):
        other = folded.setdefault(_folded(name), name)
        if name in names:
            yield f"adapter {name!r} has the name of a component: rename the adapter"
        elif other != name:
            yield (
                f"{other!r} and adapter {name!r} differ only in hyphens or case, so their stack outputs would have the "
                "same name: rename one"
            )
    outputs: dict[str, str] = {}
    for component in deployment.components:
        # Same as the names of stack outputs: a component with the name of the deployment adds no prefix.
        owner = "" if component.name in (None, deployment.name) else _folded(component.name or "")
        for adapter in component.adapters:
            other = outputs.setdefault(owner + _folded(adapter.name), adapter.name)
            if _folded(other) != _folded(adapter.name):
                yield (
                    f"the stack outputs of adapters {other!r} and {adapter.name!r} would have the same name: rename one"
                )


def _folded(name: str) -> str:
    return name.replace("-", "").lower()
