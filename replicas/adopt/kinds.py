"""Reasons why an endpoint cannot be taken over: its state, or a kind of endpoint that no deployment can describe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replicas.adopt.records import Json, LiveComponent


def state_problems(described: Json) -> Iterator[str]:
    """Yield the reasons why an endpoint cannot be taken over in its current state."""
    status = described["EndpointStatus"]
    if status != "InService":
        yield (
            f"endpoint {described['EndpointName']} is {status}: take it over when it is InService, because only then "
            f"are its components known"
        )


def kind_problems(name: str, configuration: Json, components: Sequence[str]) -> Iterator[str]:
    """Yield the reasons why no deployment can describe an endpoint."""
    variants = configuration["ProductionVariants"]
    if len(variants) > 1:
        names = ", ".join(variant["VariantName"] for variant in variants)
        yield (
            f"endpoint {name} has {len(variants)} variants ({names}), but a deployment has one: move the components "
            f"of one variant to a separate endpoint, and take over that endpoint"
        )
    if configuration.get("AsyncInferenceConfig"):
        yield (
            f"endpoint {name} is asynchronous, which inference components do not support: deploy the model as a "
            f"component "
            "on another endpoint"
        )
    for variant in variants:
        if variant.get("ServerlessConfig"):
            yield (
                f"variant {variant['VariantName']} of endpoint {name} is serverless, without instances that copies "
                "could share: deploy the model with an entry in deployments.py as a second endpoint, and move the "
                "callers"
            )
        elif variant.get("ModelName"):
            yield (
                f"variant {variant['VariantName']} of endpoint {name} serves the model {variant['ModelName']} itself, "
                "and SageMaker cannot turn it into an inference component: deploy the model with an entry in "
                "deployments.py as a second endpoint, move the callers, and delete this endpoint"
            )
        elif not components:
            yield (
                f"endpoint {name} has no inference component, but a deployment needs at least one: create a new "
                f"endpoint "
                "with an entry in deployments.py"
            )


def component_problems(component: LiveComponent) -> Iterator[str]:
    """Yield the reasons why a component of a deployment cannot describe a live component."""
    status = component.described["InferenceComponentStatus"]
    if status != "InService":
        yield (
            f"component {component.name} is {status}: wait until it is InService, or take over the other components "
            f"with --component"
        )
    for model in component.models.values():
        containers = model.get("Containers") or []
        if len(containers) > 1:
            yield (
                f"model {model['ModelName']} of component {component.name} is a pipeline of {len(containers)} "
                "containers, but a component of a deployment has one: take over the other components with --component"
            )
        for container in [model.get("PrimaryContainer", {}), *containers]:
            if container.get("Mode") == "MultiModel":
                yield (
                    f"model {model['ModelName']} of component {component.name} hosts several models in one container "
                    "(MultiModel): deploy one component for each of them"
                )
