"""Rules about adapters: components that ride on the copies of a base component."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.endpoint.values import Reference, at, text_of
from replicas.rules.report import Finding
from replicas.rules.scaling import is_name_of
from replicas.template.endpoints import Component, View


def adapter_prefix(view: View) -> Iterator[Finding]:
    """Uncompressed files of an adapter are a prefix, which ends with a slash."""
    for component in _adapters(view):
        given = component.resource.get("Specification", "Container", "ArtifactUrl")
        if isinstance(given, str) and not given.endswith(("/", ".tar.gz")):
            yield Finding(
                "adapter-prefix",
                component.logical_id,
                f"ArtifactUrl={given}",
                "without a slash at its end it names one object, not the files under the prefix: none is loaded",
                f"ArtifactUrl={given}/",
            )


def adapter_base(view: View) -> Iterator[Finding]:
    """The base of an adapter is a component on the same endpoint that hosts a model."""
    for component in _adapters(view):
        given = component.resource.get("Specification", "BaseInferenceComponentName")
        base = next((part for part in view.components if is_name_of(given, part)), None)
        if base is None:
            # What makes names of its own, like a custom resource, may name a component that is elsewhere.
            if isinstance(given, Reference) and given.logical_id in view.resources:
                yield _no_base(component, text_of(given), "which is no inference component of this template")
        elif base.is_adapter:
            yield _no_base(component, base.logical_id, "which is an adapter itself")
        elif component.endpoint and base.endpoint and component.endpoint is not base.endpoint:
            yield _no_base(component, base.logical_id, f"which is on another endpoint ({base.endpoint.logical_id})")


def adapter_claims(view: View) -> Iterator[Finding]:
    """An adapter uses what its base component claims."""
    for component in _adapters(view):
        if at(component.resource.get("Specification"), "ComputeResourceRequirements") is not None:
            yield Finding(
                "adapter-claims",
                component.logical_id,
                "an adapter with ComputeResourceRequirements",
                "an adapter runs inside the copies of its base component and claims nothing itself",
                "leave ComputeResourceRequirements out",
            )


def _no_base(component: Component, given: str, which: str) -> Finding:
    return Finding(
        "adapter-base",
        component.logical_id,
        f"BaseInferenceComponentName is that of {given}, {which}",
        "an adapter is loaded by the copies of a component that hosts a model, on its own endpoint",
        "the name of the component that hosts the model",
    )


def _adapters(view: View) -> Iterator[Component]:
    return (component for component in view.components if component.is_adapter)
