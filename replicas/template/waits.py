"""Resources that name another resource of their template as literal text, without a dependency on it.

CloudFormation creates resources at the same time unless one refers to the other or names it in `DependsOn`, directly
or through other resources. It deletes them at the same time, too.
"""

from __future__ import annotations

from collections.abc import Iterator

from replicas.endpoint.identity import Kind, Subject
from replicas.endpoint.values import ANYTHING, Reference, at, list_of, text_of
from replicas.endpoint.wiring import MissingWait, Relation
from replicas.names import CopyTarget, ResourceType
from replicas.template.creation import CreationOrder
from replicas.template.resources import Resource, Resources, named
from replicas.template.scaling import VARIANT_ID
from replicas.template.scaling_policies import target_key

_Pair = tuple[Resource, Resource, Relation, Kind, Kind]


def missing_waits(resources: Resources) -> Iterator[MissingWait]:
    """Yield every resource that names another resource without depending on it."""
    order = CreationOrder(resources)
    missing = (
        MissingWait(
            subject=Subject(kind=kind, name=waiter.logical_id),
            awaited=Subject(kind=awaited_kind, name=awaited.logical_id),
            relation=relation,
        )
        for waiter, awaited, relation, kind, awaited_kind in _pairs(resources)
        if waiter.logical_id != awaited.logical_id and waiter.logical_id not in order.waiting_for(awaited.logical_id)
    )
    yield from dict.fromkeys(missing)


def _pairs(resources: Resources) -> Iterator[_Pair]:
    endpoints, models = resources.of_sagemaker("Endpoint"), resources.of_sagemaker("Model")
    configurations = resources.of_sagemaker("EndpointConfig")
    components = resources.of_sagemaker("InferenceComponent")
    for endpoint in endpoints:
        configuration = named(endpoint.get("EndpointConfigName"), configurations, "EndpointConfigName")
        if configuration:
            yield endpoint, configuration, "endpoint of configuration", "endpoint", "configuration"
    for configuration in configurations:
        for variant in list_of(configuration.get("ProductionVariants")):
            model = named(at(variant, "ModelName"), models, "ModelName")
            if model:
                yield configuration, model, "model of variant", "configuration", "model"
    for component in components:
        yield from _pairs_of_component(component, endpoints, models, components)
    yield from _scaling_pairs(resources, components, endpoints)


def _pairs_of_component(
    component: Resource, endpoints: list[Resource], models: list[Resource], components: list[Resource]
) -> Iterator[_Pair]:
    endpoint = named(component.get("EndpointName"), endpoints, "EndpointName")
    if endpoint:
        yield component, endpoint, "component of endpoint", "component", "endpoint"
    for specification in [*list_of(component.get("Specification")), *list_of(component.get("Specifications"))]:
        model = named(at(specification, "ModelName"), models, "ModelName")
        if model:
            yield component, model, "model of component", "component", "model"
        base = named(at(specification, "BaseInferenceComponentName"), components, "InferenceComponentName")
        if base:
            yield component, base, "adapter of component", "component", "component"


def _scaling_pairs(resources: Resources, components: list[Resource], endpoints: list[Resource]) -> Iterator[_Pair]:
    targets = resources.of_type(ResourceType.SCALABLE_TARGET)
    for target in targets:
        text = text_of(target.get("ResourceId"))
        component = named(text.removeprefix(CopyTarget.PREFIX), components, "InferenceComponentName")
        if component and text.startswith(CopyTarget.PREFIX):
            yield target, component, "target of component", "scaling target", "component"
        variant = VARIANT_ID.fullmatch(text)
        endpoint = named(variant["endpoint"], endpoints, "EndpointName") if variant else None
        if endpoint:
            yield target, endpoint, "target of endpoint", "scaling target", "endpoint"
    for policy in resources.of_type(ResourceType.SCALING_POLICY):
        key = target_key(policy)
        is_text = not isinstance(policy.get("ScalingTargetId"), Reference) and ANYTHING not in "".join(key)
        for target in targets if is_text and key[0] else ():
            if key == target_key(target):
                yield policy, target, "policy of target", "resource", "scaling target"
