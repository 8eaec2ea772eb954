"""Converts a plan to the endpoint model that the rules check."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

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
from replicas.endpoint.variants import Configuration, Endpoint, Instances, Variant, VariantSettings
from replicas.planning.plans import ComponentPlan, EndpointPlan


def topology_of(plan: EndpointPlan) -> Topology:
    """Return the endpoint model of a plan. Subjects have the names of the endpoint and its components in the plan."""
    endpoint = Subject(kind="endpoint", name=plan.name)
    settings = VariantSettings(name="AllTraffic", instances=_instances(plan), ami=plan.inference_ami_version)
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
        components=(*hosting, *(adapter for part in plan.components for adapter in _adapters(plan, part))),
        endpoints=(Endpoint(subject=endpoint, configuration=configuration.subject),),
        configurations=(configuration,),
        models=tuple(_model(plan, part) for part in plan.components),
        targets=tuple(_target(part) for part in plan.components if part.scaling),
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
    part = plan.components[index]
    plans = [(plan, part), *((other, other.components[index]) for other in plan.fallbacks)]
    return Component(
        subject=_subject(part),
        endpoint=Subject(kind="endpoint", name=plan.name),
        specifications=tuple(_specification(other, there, pooled=bool(plan.fallbacks)) for other, there in plans),
        copies=Fraction(part.copies),
        variant_name="AllTraffic",
        roll=Roll(batch=Batch(copies=Fraction(part.rollout.batch_copies)), rolls_back=part.rollout.roll_back)
        if part.rollout
        else None,
    )


def _specification(plan: EndpointPlan, part: ComponentPlan, *, pooled: bool) -> Specification:
    return Specification(
        instance_type=plan.instance.name if pooled else None,
        claims=Claims(
            accelerators=Fraction(part.accelerators),
            cpus=Fraction(part.cpus).limit_denominator(10_000),
            memory_mib=Fraction(part.memory_mib),
        ),
        container=_container(part),
        model=_model(plan, part),
        startup_seconds=Fraction(part.startup_timeout_seconds),
        download_seconds=Fraction(part.startup_timeout_seconds) if part.weights else None,
    )


def _model(plan: EndpointPlan, part: ComponentPlan) -> Model:
    return Model(
        subject=Subject(kind="model", name=part.name),
        containers=(_container(part),),
        isolated=plan.network_isolation,
        in_vpc=plan.security.vpc is not None,
    )


def _container(part: ComponentPlan) -> Container:
    image = part.engine.image
    return Container(image=f"{image.repository}:{image.tag}" if image else None, environment=part.environment)


def _adapters(plan: EndpointPlan, part: ComponentPlan) -> Iterator[Component]:
    for adapter in part.adapters:
        yield Component(
            subject=Subject(kind="component", name=adapter.name),
            endpoint=Subject(kind="endpoint", name=plan.name),
            specifications=(),
            adapter=Adapter(base=_subject(part), base_text=part.name, artifact=adapter.weights),
        )


def _target(part: ComponentPlan) -> ScalingTarget:
    scaling = part.scaling
    assert scaling  # noqa: S101 (the caller checks it)
    return ScalingTarget(
        subject=Subject(kind="scaling target", name=part.name),
        component=_subject(part),
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


def _subject(part: ComponentPlan) -> Subject:
    return Subject(kind="component", name=part.name)
