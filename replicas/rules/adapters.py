"""Rules about adapters, which are components that run on the copies of a base component."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.endpoint.components import Adapter, Component
from replicas.endpoint.topology import Topology
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.finding import Case

_CREATE = "CreateInferenceComponent"


@rule(
    "adapter-prefix",
    checks="The files of an adapter are named by a prefix without a slash at its end.",
    why="without a slash at the end, the URL names a single object instead of the files under a prefix, so no "
    "file is loaded",
    source="SageMaker developer guide, adapter inference components; SageMaker API reference, ArtifactUrl: 'a single "
    "gzip compressed tar archive (.tar.gz suffix)'",
    enforced=(
        *enforced_by(_CREATE, "assumed", "AWS publishes no message for this refusal"),
        *enforced_by("UpdateInferenceComponent", "assumed", "AWS publishes no message for this refusal"),
    ),
)
def adapter_prefix(topology: Topology) -> Iterator[Case]:
    """The prefix of an adapter's uncompressed files must end with a slash, and an archive must end with `.tar.gz`."""
    for component, adapter in _adapters(topology):
        if isinstance(adapter.artifact, str) and not adapter.artifact.endswith(("/", ".tar.gz")):
            yield Case(subject=component.subject, numbers={"artifact": adapter.artifact})


@rule(
    "adapter-base",
    checks="The base component of an adapter does not exist on its endpoint, or does not host a model.",
    why="an adapter is loaded by the copies of a component that hosts a model on the same endpoint",
    source="SageMaker API reference, InferenceComponentSpecification, BaseInferenceComponentName",
    enforced=enforced_by(_CREATE, "documented", "API reference, BaseInferenceComponentName"),
)
def adapter_base(topology: Topology) -> Iterator[Case]:
    """The base of an adapter must be a component that hosts a model on the same endpoint."""
    for component, adapter in _adapters(topology):
        base = topology.component(adapter.base)
        if base is None:
            if adapter.base_is_foreign:
                yield Case(subject=component.subject, kind="foreign", numbers={"base": adapter.base_text})
        elif base.adapter is not None:
            yield Case(subject=component.subject, kind="adapter", numbers={"base": base.subject.name})
        elif component.endpoint and base.endpoint and component.endpoint != base.endpoint:
            numbers = {"base": base.subject.name, "endpoint": base.endpoint.name}
            yield Case(subject=component.subject, kind="elsewhere", numbers=numbers)


@rule(
    "adapter-claims",
    checks="An adapter has ComputeResourceRequirements.",
    why="an adapter runs on the copies of its base component and reserves no resources itself",
    source="SageMaker API reference, InferenceComponentSpecification",
    enforced=enforced_by(_CREATE, "documented", "API reference, BaseInferenceComponentName"),
)
def adapter_claims(topology: Topology) -> Iterator[Case]:
    """An adapter must not reserve resources, because it uses the resources of its base component."""
    for component, adapter in _adapters(topology):
        if adapter.claims_resources:
            yield Case(subject=component.subject)


def _adapters(topology: Topology) -> Iterator[tuple[Component, Adapter]]:
    for component in topology.components:
        if component.adapter is not None:
            yield component, component.adapter
