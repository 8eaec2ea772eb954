"""Converts a plan to the endpoint model that the rules check."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from replicas.deployment.patterns import FROM_PROPS
from replicas.deployment.unresolved import is_unresolved
from replicas.endpoint.components import (
    Adapter,
    Batch,
    Claims,
    Component,
    Roll,
    ScalingTarget,
    ScheduledRange,
    Specification,
)
from replicas.endpoint.containers import Container, Model
from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown
from replicas.endpoint.variants import Configuration, Endpoint, Instances, Variant, VariantSettings
from replicas.names import MetricName
from replicas.planning.plans import ComponentPlan, EndpointPlan


def topology_of(plan: EndpointPlan) -> Topology:
    """Return the endpoint model of a plan. Subjects have the names of the endpoint and its components in the plan."""
    endpoint = Subject(kind="endpoint", name=plan.name)
    settings = VariantSettings(name=plan.variant_name, instances=_instances(plan), ami=plan.inference_ami_version)
    configuration = Configuration(
        subject=Subject(kind="configuration", name=plan.name),
        variants=(settings,),
        has_role=True,
        isolated=plan.network_isolation,
        in_vpc=plan.security.vpc is not None,
        has_key=plan.security.kms_key is not None,
        is_tagged=bool(plan.security.tags),
    )
    hosting = tuple(_component(plan, index) for index in range(len(plan.components)))
    return Topology(
        variants=(Variant(endpoint=endpoint, configuration=configuration, settings=settings, components=hosting),),
        components=(*hosting, *(adapter for component in plan.components for adapter in _adapters(plan, component))),
        endpoints=(Endpoint(subject=endpoint, configuration=configuration.subject),),
        configurations=(configuration,),
        models=tuple(_model(plan, component) for component in plan.components),
        targets=tuple(_target(component) for component in plan.components if component.scaling),
        region=plan.region,
    )


def _instances(plan: EndpointPlan) -> Instances:
    types = (plan.instance.name, *(other.instance.name for other in plan.fallbacks))
    return Instances(
        instance_type=None if plan.fallbacks else plan.instance.name,
        initial=Fraction(plan.instances),
        is_scaled=plan.instance_scaling is not None,
        least=Fraction(plan.min_instances) if plan.instance_scaling else None,
        most=Fraction(plan.max_instances) if plan.instance_scaling else None,
        pools=types if plan.fallbacks else (),
    )


def _component(plan: EndpointPlan, index: int) -> Component:
    component = plan.components[index]
    plans = [(plan, component), *((other, other.components[index]) for other in plan.fallbacks)]
    return Component(
        subject=_subject(component),
        endpoint=Subject(kind="endpoint", name=plan.name),
        specifications=tuple(_specification(other, there, pooled=bool(plan.fallbacks)) for other, there in plans),
        copies=Fraction(component.copies),
        variant_name=plan.variant_name,
        silent_metrics=_silent_metrics(plan, component),
        roll=Roll(batch=Batch(copies=Fraction(component.rollout.batch_copies)), rolls_back=component.rollout.roll_back)
        if component.rollout
        else None,
    )


def _silent_metrics(plan: EndpointPlan, component: ComponentPlan) -> frozenset[str]:
    """Return the metrics whose alarms have no effect, because no topic and no rolling update uses them."""
    monitoring, rollout = plan.monitoring, component.rollout
    is_silent = monitoring.alarms is not None and monitoring.topic is None and not (rollout and rollout.roll_back)
    return frozenset({MetricName.SERVER_ERRORS, MetricName.MODEL_ERRORS}) if is_silent else frozenset()


def _specification(plan: EndpointPlan, component: ComponentPlan, *, pooled: bool) -> Specification:
    return Specification(
        instance_type=plan.instance.name if pooled else None,
        claims=Claims(
            accelerators=Fraction(component.accelerators),
            cpus=Fraction(component.cpus).limit_denominator(10_000),
            memory_mib=Fraction(component.memory_mib),
        ),
        container=_container(component),
        model=_model(plan, component),
        startup_seconds=Fraction(component.startup_timeout_seconds),
        download_seconds=Fraction(component.download_timeout_seconds) if component.download_timeout_seconds else None,
    )


def _model(plan: EndpointPlan, component: ComponentPlan) -> Model:
    return Model(
        subject=Subject(kind="model", name=component.name),
        containers=(_container(component),),
        isolated=plan.network_isolation,
        in_vpc=plan.security.vpc is not None,
    )


def _container(component: ComponentPlan) -> Container:
    image = component.engine.image
    return Container(image=f"{image.repository}:{image.tag}" if image else None, environment=component.environment)


def _adapters(plan: EndpointPlan, component: ComponentPlan) -> Iterator[Component]:
    for adapter in component.adapters:
        yield Component(
            subject=Subject(kind="component", name=adapter.name),
            endpoint=Subject(kind="endpoint", name=plan.name),
            specifications=(),
            adapter=Adapter(base=_subject(component), base_text=component.name, artifact=_artifact(adapter.weights)),
        )


def _artifact(weights: str) -> str | Unknown:
    """Return the location of an adapter; `Unknown` if it is passed to the construct and known only at deployment."""
    return (
        Unknown("its location is passed to the construct")
        if weights == FROM_PROPS or is_unresolved(weights)
        else weights
    )


def _target(component: ComponentPlan) -> ScalingTarget:
    scaling = component.scaling
    assert scaling  # noqa: S101 (the caller checks it)
    return ScalingTarget(
        subject=Subject(kind="scaling target", name=component.name),
        component=_subject(component),
        floor=Fraction(scaling.floor),
        ceiling=Fraction(scaling.ceiling),
        schedules=tuple(
            ScheduledRange(
                name=schedule.name,
                floor=Fraction(schedule.min_copies),
                ceiling=Fraction(schedule.max_copies or scaling.ceiling),
            )
            for schedule in scaling.schedules
        ),
        wakes=scaling.wakes,
    )


def _subject(component: ComponentPlan) -> Subject:
    return Subject(kind="component", name=component.name)
