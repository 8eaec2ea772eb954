"""Why an endpoint cannot be taken over: its state, and kinds of endpoints that no deployment describes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replicas.adopt.records import Json, LiveComponent


def state_problems(described: Json) -> Iterator[str]:
    """Yield why an endpoint cannot be taken over now."""
    status = described["EndpointStatus"]
    if status != "InService":
        yield (
            f"endpoint {described['EndpointName']} is {status}: one that is InService can be taken over, and what it "
            "runs is known only then"
        )


def kind_problems(name: str, configuration: Json, components: Sequence[str]) -> Iterator[str]:
    """Yield why a deployment cannot describe an endpoint at all."""
    variants = configuration["ProductionVariants"]
    if len(variants) > 1:
        names = ", ".join(variant["VariantName"] for variant in variants)
        yield (
            f"endpoint {name} has {len(variants)} variants ({names}), and a deployment has one: put the components of "
            "one of them on an endpoint of their own, and take that over"
        )
    if configuration.get("AsyncInferenceConfig"):
        yield (
            f"endpoint {name} answers asynchronously, and inference components do not: deploy the model as a component "
            "on another endpoint"
        )
    for variant in variants:
        if variant.get("ServerlessConfig"):
            yield (
                f"variant {variant['VariantName']} of endpoint {name} is serverless, without instances that copies "
                "could share: deploy the model with an entry in deployments.py beside it, and move the callers"
            )
        elif variant.get("ModelName"):
            yield (
                f"variant {variant['VariantName']} of endpoint {name} serves the model {variant['ModelName']} itself, "
                "and SageMaker cannot turn that into inference components: deploy the model with an entry in "
                "deployments.py beside it, move the callers, and delete this endpoint"
            )
        elif not components:
            yield (
                f"endpoint {name} has no inference component, and a deployment needs one: create the first with an "
                "entry in deployments.py"
            )


def component_problems(component: LiveComponent) -> Iterator[str]:
    """Yield why a component of a deployment cannot describe a live one."""
    status = component.described["InferenceComponentStatus"]
    if status != "InService":
        yield (
            f"component {component.name} is {status}: wait until it is InService, or take the others over with "
            "--component"
        )
    for model in component.models.values():
        containers = model.get("Containers") or []
        if len(containers) > 1:
            yield (
                f"model {model['ModelName']} of component {component.name} is a pipeline of {len(containers)} "
                "containers, and a component of a deployment has one: take the others over with --component"
            )
        for container in [model.get("PrimaryContainer", {}), *containers]:
            if container.get("Mode") == "MultiModel":
                yield (
                    f"model {model['ModelName']} of component {component.name} hosts several models in one container "
                    "(MultiModel): a deployment has one component for each of them"
                )
