"""Finds resources that no rule can judge, because a property or a reference of the resource is unknown."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.endpoint.identity import Subject, Text
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown
from replicas.names import CopyTarget
from replicas.rules.finding import Quantity, Unjudged

_ALL_FIT = "whether all copies fit"


def open_points(topology: Topology) -> Iterator[Unjudged]:
    """Yield resources that could not be read, components whose endpoint or variant is unknown, and adapters and
    scalable targets that refer to a resource outside the template.
    """
    for part in topology.unread:
        yield Unjudged(subject=part.subject, question=part.question, unknown=Unknown(part.why, part.parameters))
    yield from _components(topology)
    yield from _adapters(topology)
    yield from _targets(topology)


def _components(topology: Topology) -> Iterator[Unjudged]:
    """Yield the components whose endpoint, configuration or variant is unknown."""
    placed = {component.subject for variant in topology.variants for component in variant.components}
    endpoints = {endpoint.subject: endpoint for endpoint in topology.endpoints}
    for component in topology.hosting_components:
        if component.subject in placed:
            continue
        endpoint = endpoints.get(component.endpoint) if component.endpoint else None
        if endpoint is None:
            yield _open(component.subject, "endpoint", component.endpoint_text)
            continue
        configuration = topology.configuration(endpoint.configuration)
        if configuration is None:
            yield _open(endpoint.subject, "configuration", endpoint.configuration_text)
        elif not configuration.variants:
            yield _open(endpoint.subject, "configuration", configuration.unknown)
        elif not isinstance(component.variant_name, str):
            yield _open(component.subject, "variant", component.variant_name)


def _targets(topology: Topology) -> Iterator[Unjudged]:
    """Yield scalable targets with an unknown condition, or whose component or endpoint is not in the template."""
    for target in topology.targets:
        if target.exists is not None:
            question = "the ceiling of copies"
            yield Unjudged(subject=target.subject, question=question, quantity="existence", unknown=target.exists)
        elif isinstance(target.resource_id, Unknown) and target.component is None:
            question, unknown = "which component it scales", target.resource_id
            yield Unjudged(subject=target.subject, question=question, quantity="scaled component", unknown=unknown)
        elif target.component is None and str(target.resource_id).startswith(CopyTarget.PREFIX):
            question, outside = "whether the component exists", f"the template does not create {target.resource_id}"
            yield Unjudged(subject=target.subject, question=question, unknown=Unknown(outside))
    for instance_target in topology.instance_targets:
        if instance_target.endpoint is None:
            outside = f"the template does not create the endpoint {instance_target.endpoint_name}"
            question = "whether the endpoint exists"
            yield Unjudged(subject=instance_target.subject, question=question, unknown=Unknown(outside))


def _adapters(topology: Topology) -> Iterator[Unjudged]:
    """Yield adapters whose endpoint or base component is outside the template."""
    question = "whether its base component is on its endpoint"
    for component in topology.components:
        adapter = component.adapter
        if adapter is None or adapter.base_is_foreign:
            continue
        if adapter.base is None:
            outside = f"the template does not create the component {adapter.base_text}"
            yield Unjudged(subject=component.subject, question=question, unknown=Unknown(outside))
        elif component.endpoint is None:
            yield _open(component.subject, "endpoint", component.endpoint_text, question)


def _open(subject: Subject, quantity: Quantity, given: Text, question: str = _ALL_FIT) -> Unjudged:
    if given is None or isinstance(given, Unknown):
        return Unjudged(subject=subject, question=question, quantity=quantity, unknown=given)
    outside = Unknown("the resource is not in the template")
    return Unjudged(subject=subject, question=question, quantity=quantity, unknown=outside, given=given)
