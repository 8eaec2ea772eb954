"""What each change of a deployment does to what is deployed: from templates, and the schemas' create-only lists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from replicas import (
    Adapter,
    Alarms,
    Component,
    DataCapture,
    Deployment,
    InstanceScaling,
    Monitoring,
    Placement,
    PrefixAwareRouting,
    Rollout,
    Scaling,
    Schedule,
    Security,
    Traffic,
    Vpc,
    plan,
)
from tests.synthesis import template_of_plan

Template = dict[str, Any]

PAGE = Path(__file__).parents[2] / "docs" / "updates.md"
NIGHT = Schedule(name="night", at="cron(0 20 * * ? *)", min_copies=1)
BOUNDS = InstanceScaling(max_instances=3)
ROLE = "arn:aws:iam::123456789012:policy/"
ARN = "arn:aws:sagemaker:us-west-2:123456789012:training-plan/"
CAPTURE = DataCapture(destination="s3://captured/chat/")
TOPIC = "arn:aws:sns:us-west-2:123456789012:"


def component(**wishes: Any) -> Component:
    """The component that changes: two copies on half of an instance."""
    return Component(
        **{"model": "llama-3.1-8b", "copies": 2, "tensor_parallel": 1, "weights": "s3://models/llama/", **wishes}
    )


def deployment(**wishes: Any) -> Deployment:
    """The deployment that changes; `component` holds the changes of its one component."""
    part = component(**wishes.pop("component", {}))
    return Deployment(**{"name": "chat", "instance_type": "ml.g6e.12xlarge", "components": [part], **wishes})


@dataclass(frozen=True)
class Change:
    """A property that a user changes, before and after."""

    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


def part(before: dict[str, Any], after: dict[str, Any]) -> Change:
    """A change of the component."""
    return Change({"component": before}, {"component": after})


def scaling(before: Scaling | None, after: Scaling) -> Change:
    return part({"scaling": before}, {"scaling": after})


def rollout(**after: Any) -> Change:
    """A change of the roll of four copies."""
    settings = {"copies": 4, "rollout": Rollout()}
    changed = Rollout(**after)
    return Change(
        {"component": settings, "instance_scaling": BOUNDS},
        {"component": {**settings, "rollout": changed}, "instance_scaling": BOUNDS},
    )


def bounds(before: InstanceScaling | None, after: InstanceScaling) -> Change:
    return Change({"instance_scaling": before}, {"instance_scaling": after})


def monitoring(before: Monitoring, after: Monitoring) -> Change:
    return Change({"monitoring": before}, {"monitoring": after})


def security(**after: Any) -> Change:
    return Change({}, {"security": Security(**after)})


_HUB = {"weights": None}
_VPC = {"subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"]}
_ADAPTER = Adapter(name="sql", weights="s3://models/sql/", rank=16)

CHANGES: dict[str, Change] = {
    "Component.model": part({**_HUB}, {**_HUB, "model": "mistralai/Mistral-7B-Instruct-v0.3"}),
    "Component.config": part({**_HUB}, {**_HUB, "config": Path(__file__).parent / "config.json"}),
    "Component.quant_config": part(
        {**_HUB, "config": Path(__file__).parent / "config.json"},
        {**_HUB, "config": Path(__file__).parent / "config.json", "quant_config": Path(__file__).parent / "quant.json"},
    ),
    "Component.weights_gib": part({}, {"weights_gib": 16.0}),
    "Component.kv_bytes_per_token": part({}, {"kv_bytes_per_token": 160_000}),
    "Component.name": part({}, {"name": "other"}),
    "Component.engine": part({}, {"engine": "vllm-0.28.0"}),
    "Component.image_source": part({"engine": "vllm-0.29.0"}, {"engine": "vllm-0.29.0", "image_source": "aws"}),
    "Component.quantization": part({**_HUB}, {**_HUB, "quantization": "fp8"}),
    "Component.task": part({}, {"task": "embed"}),
    "Component.copies": part({}, {"copies": 3}),
    "Component.tensor_parallel": part({}, {"tensor_parallel": 2}),
    "Component.cpus": part({}, {"cpus": 4.0}),
    "Component.memory_mib": part({}, {"memory_mib": 8192}),
    "Component.max_total_tokens": part({}, {"max_total_tokens": 4096}),
    "Component.max_input_tokens": part({}, {"max_input_tokens": 1000}),
    "Component.max_batch_prefill_tokens": part({}, {"max_batch_prefill_tokens": 4096}),
    "Component.min_kv_cache_tokens": part({}, {"min_kv_cache_tokens": 10_000}),
    "Component.max_sequences": part({}, {"max_sequences": 64}),
    "Component.gpu_memory_share": part({}, {"gpu_memory_share": 0.8}),
    "Component.revision": part({**_HUB}, {**_HUB, "revision": "0" * 40}),
    "Component.weights": part({}, {"weights": "s3://models/llama-2/"}),
    "Component.weights_account": part({}, {"weights_account": "210987654321"}),
    "Component.token_secret": part({**_HUB}, {**_HUB, "token_secret": "hf"}),
    "Component.startup_timeout_seconds": part({}, {"startup_timeout_seconds": 900}),
    "Component.environment": part({}, {"environment": {"LOG_LEVEL": "debug"}}),
    "Component.traffic": part({}, {"traffic": Traffic(users=8, input_tokens=1000, output_tokens=100)}),
    "Component.scaling": scaling(None, Scaling(max_copies=3)),
    "Component.rollout": part({}, {"rollout": Rollout()}),
    "Component.placement": part({}, {"placement": Placement()}),
    "Component.data_cache": part({}, {"data_cache": True}),
    "Component.adapters": part({"adapters": [_ADAPTER]}, {"adapters": [_ADAPTER, replace(_ADAPTER, name="law")]}),
    "Scaling.max_copies": scaling(Scaling(max_copies=3), Scaling(max_copies=4)),
    "Scaling.to_zero": scaling(Scaling(max_copies=3), Scaling(max_copies=3, to_zero=True)),
    "Scaling.wake_on_request": scaling(
        Scaling(max_copies=3, to_zero=True, schedules=[NIGHT]),
        Scaling(max_copies=3, to_zero=True, schedules=[NIGHT], wake_on_request=False),
    ),
    "Scaling.concurrent_requests_per_copy": scaling(Scaling(), Scaling(concurrent_requests_per_copy=2.0)),
    "Scaling.invocations_per_copy": scaling(Scaling(), Scaling(invocations_per_copy=60.0)),
    "Scaling.scale_out_cooldown_seconds": scaling(Scaling(), Scaling(scale_out_cooldown_seconds=10)),
    "Scaling.scale_in_cooldown_seconds": scaling(Scaling(), Scaling(scale_in_cooldown_seconds=600)),
    "Scaling.schedules": scaling(Scaling(), Scaling(schedules=[NIGHT])),
    "Schedule.name": scaling(Scaling(schedules=[NIGHT]), Scaling(schedules=[replace(NIGHT, name="late")])),
    "Schedule.at": scaling(Scaling(schedules=[NIGHT]), Scaling(schedules=[replace(NIGHT, at="rate(1 day)")])),
    "Schedule.timezone": scaling(
        Scaling(schedules=[NIGHT]), Scaling(schedules=[replace(NIGHT, timezone="Europe/Berlin")])
    ),
    "Schedule.min_copies": scaling(Scaling(schedules=[NIGHT]), Scaling(schedules=[replace(NIGHT, min_copies=2)])),
    "Schedule.max_copies": scaling(Scaling(schedules=[NIGHT]), Scaling(schedules=[replace(NIGHT, max_copies=3)])),
    "Rollout.batch_copies": rollout(batch_copies=2),
    "Rollout.wait_seconds": rollout(wait_seconds=300),
    "Rollout.timeout_seconds": rollout(timeout_seconds=3600),
    "Rollout.roll_back": rollout(roll_back=False),
    "Placement.strategy": part({"placement": Placement()}, {"placement": Placement(strategy="binpack")}),
    "Placement.max_zone_imbalance": part({"placement": Placement()}, {"placement": Placement(max_zone_imbalance=1)}),
    "Adapter.name": part({"adapters": [_ADAPTER]}, {"adapters": [replace(_ADAPTER, name="law")]}),
    "Adapter.weights": part({"adapters": [_ADAPTER]}, {"adapters": [replace(_ADAPTER, weights="s3://models/2/")]}),
    "Adapter.weights_account": part(
        {"adapters": [_ADAPTER]}, {"adapters": [replace(_ADAPTER, weights_account="210987654321")]}
    ),
    "Adapter.rank": part({"adapters": [_ADAPTER]}, {"adapters": [replace(_ADAPTER, rank=64)]}),
    "Deployment.instance_type": Change({}, {"instance_type": "ml.g6e.24xlarge"}),
    "Deployment.components": Change({}, {"components": [component(name="chat"), component(name="second")]}),
    "Deployment.instances": Change({}, {"instances": 2}),
    "Deployment.region": Change({}, {"region": "us-west-2"}),
    "Deployment.account": Change({}, {"account": "123456789012"}),
    "Deployment.endpoint_name": Change({}, {"endpoint_name": "chat"}),
    "Deployment.variant_name": Change({}, {"variant_name": "main"}),
    "Deployment.network_isolation": Change({}, {"network_isolation": True}),
    "Deployment.instance_scaling": bounds(None, InstanceScaling(max_instances=2)),
    "Deployment.fallback_instance_types": Change({}, {"fallback_instance_types": ["ml.g6e.24xlarge"]}),
    "Deployment.capacity_reservation": Change({}, {"capacity_reservation": f"{ARN}plan"}),
    "Deployment.routing": Change({}, {"routing": "random"}),
    "Deployment.security": security(tags={"team": "llm"}),
    "Deployment.data_capture": Change({}, {"data_capture": CAPTURE}),
    "DataCapture.destination": Change(
        {"data_capture": CAPTURE}, {"data_capture": replace(CAPTURE, destination="s3://captured/other/")}
    ),
    "DataCapture.percent": Change({"data_capture": CAPTURE}, {"data_capture": replace(CAPTURE, percent=10)}),
    "DataCapture.kms_key": Change(
        {"data_capture": CAPTURE},
        {"data_capture": replace(CAPTURE, kms_key=f"arn:aws:kms:us-west-2:123456789012:key/{'0' * 36}")},
    ),
    "Deployment.monitoring": monitoring(Monitoring(), Monitoring(dashboard=True)),
    "InstanceScaling.max_instances": bounds(BOUNDS, InstanceScaling(max_instances=4)),
    "InstanceScaling.min_instances": bounds(BOUNDS, InstanceScaling(max_instances=3, min_instances=0)),
    "InstanceScaling.scale_in": bounds(BOUNDS, InstanceScaling(max_instances=3, scale_in="consolidation")),
    "InstanceScaling.scale_in_cooldown_minutes": bounds(
        InstanceScaling(max_instances=3, scale_in="consolidation"),
        InstanceScaling(max_instances=3, scale_in="consolidation", scale_in_cooldown_minutes=5),
    ),
    "InstanceScaling.scale_in_step": bounds(
        InstanceScaling(max_instances=3, scale_in="consolidation"),
        InstanceScaling(max_instances=3, scale_in="consolidation", scale_in_step=2),
    ),
    "PrefixAwareRouting.prefix_length": Change(
        {"routing": PrefixAwareRouting()}, {"routing": PrefixAwareRouting(prefix_length=4096)}
    ),
    "PrefixAwareRouting.concurrency_threshold": Change(
        {"routing": PrefixAwareRouting()}, {"routing": PrefixAwareRouting(concurrency_threshold=8)}
    ),
    "Security.vpc": security(vpc=Vpc(**_VPC)),
    "Security.weights_kms_key": security(weights_kms_key=f"arn:aws:kms:us-west-2:123456789012:key/{'0' * 36}"),
    "Security.execution_role": security(execution_role="arn:aws:iam::123456789012:role/serving"),
    "Security.permissions_boundary": security(permissions_boundary=f"{ROLE}boundary"),
    "Security.tags": security(tags={"team": "llm"}),
    "Vpc.subnets": Change(
        {"security": Security(vpc=Vpc(**_VPC))},
        {"security": Security(vpc=Vpc(**{**_VPC, "subnets": ["subnet-0123456789abcdef1"]}))},
    ),
    "Vpc.security_groups": Change(
        {"security": Security(vpc=Vpc(**_VPC))},
        {"security": Security(vpc=Vpc(**{**_VPC, "security_groups": ["sg-0123456789abcdef1"]}))},
    ),
    "Monitoring.alarms": monitoring(Monitoring(), Monitoring(alarms=Alarms())),
    "Monitoring.topic": monitoring(Monitoring(alarms=Alarms()), Monitoring(alarms=Alarms(), topic=f"{TOPIC}pager")),
    "Monitoring.dashboard": monitoring(Monitoring(), Monitoring(dashboard=True)),
    "Monitoring.log_retention_days": monitoring(Monitoring(), Monitoring(log_retention_days=30)),
    "Monitoring.enhanced_metrics_seconds": monitoring(Monitoring(), Monitoring(enhanced_metrics_seconds=60)),
    "Alarms.server_errors": monitoring(Monitoring(alarms=Alarms()), Monitoring(alarms=Alarms(server_errors=1))),
    "Alarms.model_errors": monitoring(Monitoring(alarms=Alarms()), Monitoring(alarms=Alarms(model_errors=1))),
    "Alarms.no_capacity": monitoring(Monitoring(alarms=Alarms()), Monitoring(alarms=Alarms(no_capacity=None))),
    "Alarms.latency_p90_seconds": monitoring(
        Monitoring(alarms=Alarms()), Monitoring(alarms=Alarms(latency_p90_seconds=30.0))
    ),
}
"""Every property of the classes that a user writes, by class and name."""

NOT_SHOWN = {
    "Deployment.name": "another stack: the old one keeps running until it is destroyed",
    "Security.kms_key": "families with local NVMe storage take no key, and no other family runs these engines",
    "Traffic.users": "reaches a template as the default of an open degree",
    "Traffic.requests_per_second": "reaches a template as the default of an open degree",
    "Traffic.input_tokens": "reaches a template as the default of an open degree, and of the scaling's target",
    "Traffic.output_tokens": "reaches a template as the default of an open degree, and of the scaling's target",
    "Traffic.objective": "reaches no template: the forecast is held against it",
}
"""Properties whose change no two templates of one stack show."""


def rows(context: dict[str, Any]) -> dict[str, str]:
    """Effects of each change, as docs/updates.md shows them."""
    return {name: effect_of(change, context) for name, change in CHANGES.items()} | NOT_SHOWN


def effect_of(change: Change, context: dict[str, Any]) -> str:
    """What a change does, in words; "nothing" where no template changes."""
    return in_words(*templates_of(change, context))


def templates_of(change: Change, context: dict[str, Any]) -> tuple[Template, Template]:
    """Before and after."""
    return _template_of(change.before, context), _template_of(change.after, context)


def _template_of(wishes: dict[str, Any], context: dict[str, Any]) -> Template:
    """What the wishes synthesise to, once for all changes that begin or end with them."""
    wanted = deployment(**wishes)
    if repr(wanted) not in _SYNTHESISED:
        _SYNTHESISED[repr(wanted)] = template_of(wanted, context)
    return _SYNTHESISED[repr(wanted)]


_SYNTHESISED: dict[str, Template] = {}


def in_words(before: Template, after: Template) -> str:
    """The effects as docs/updates.md shows them."""
    return "; ".join(effects(before, after)) or "nothing"


def template_of(wanted: Deployment, context: dict[str, Any]) -> Template:
    """What a deployment synthesises to."""
    return template_of_plan(plan(wanted), context)


def effects(before: Template, after: Template) -> list[str]:
    """What CloudFormation and SageMaker do, most grave first."""
    return list(dict.fromkeys(_effects(before["Resources"], after["Resources"])))


def _effects(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    def of(resources: dict[str, Any], kind: str) -> dict[str, Any]:
        return {key: found["Properties"] for key, found in resources.items() if found["Type"].endswith(f"::{kind}")}

    if _changes(of(before, "Endpoint"), of(after, "Endpoint"), "EndpointName"):
        yield "another endpoint"
    old, new = of(before, "InferenceComponent"), of(after, "InferenceComponent")
    if old.keys() - new.keys():
        yield "another component"
    elif new.keys() - old.keys():
        yield "one more component"
    if _changes(of(before, "EndpointConfig"), of(after, "EndpointConfig"), *create_only("EndpointConfig")):
        yield "endpoint update"
    models = _changes(of(before, "Model"), of(after, "Model"), *create_only("Model"))
    kept = {key: entry for key, entry in old.items() if key in new}
    specified = ("Specification", "Specifications")
    if _changes(kept, new, *specified) or (models and kept):
        yield "roll"
    if _changes(kept, new, "RuntimeConfig"):
        yield "copies"
    if _changes(kept, new, "DeploymentConfig"):
        yield "the settings of the next rolling update"
    serving = {"Endpoint", "EndpointConfig", "InferenceComponent", "Model"}
    others = {
        key
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key) and (before.get(key) or after[key])["Type"].split("::")[-1] not in serving
    }
    if others:
        kinds = {(before.get(key) or after[key])["Type"].split("::")[-1] for key in others}
        yield f"beside it: {', '.join(sorted(kinds))}"
    if any(
        before[key]["Properties"].get("Tags") != after[key]["Properties"].get("Tags")
        for key in before.keys() & after.keys()
    ):
        yield "tags"


def _changes(before: dict[str, Any], after: dict[str, Any], *names: str) -> bool:
    return any(
        properties.get(name) != after[key].get(name)
        for key, properties in before.items()
        if key in after
        for name in names
    )


@cache
def create_only(kind: str) -> tuple[str, ...]:
    """Properties that replace a resource, by the schema that cfn-lint ships."""
    package = find_spec("cfnlint")  # without its import, which takes seconds in every worker
    assert package
    assert package.origin
    folder = Path(package.origin).parent / "data" / "schemas"
    providers = json.loads((folder / "providers" / "us-west-2.json").read_text())
    schema = json.loads((folder / "resources" / f"{providers[f'AWS::SageMaker::{kind}']}.json").read_text())
    return tuple(path.removeprefix("/properties/") for path in schema.get("createOnlyProperties", ()))
