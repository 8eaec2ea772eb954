"""What runs behind a component: its engine by the image, its model by the container's variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from replicas.aws.deployed import Deployed, DeployedComponent
from replicas.aws.session import Aws, error_code, error_message
from replicas.engines import Dialect, dialect_of_image, engine_kinds, model_of
from replicas.errors import OperationError


@dataclass(frozen=True)
class Target:
    """A component that requests can be sent to."""

    endpoint_name: str
    component_name: str
    image: str
    model: str | None
    """What its container was told to serve: a repository, or a path; None where no variable says it."""
    dialect: Dialect
    base_name: str | None = None
    """Of an adapter: the component whose copies serve it."""

    @property
    def serving_name(self) -> str:
        """The component that has the copies."""
        return self.base_name or self.component_name


def find_target(aws: Aws, deployed: Deployed, component: DeployedComponent) -> Target:
    """What a component serves, and with which bodies it is asked.

    An adapter is asked as its base is, and by its own component name alone: SageMaker tells the container which adapter
    that is, and the engine takes the `model` of the body from there.

    Raises:
        OperationError: no such component any more, or an image whose bodies are not known.

    """
    sagemaker = aws.client("sagemaker")
    try:
        described = sagemaker.describe_inference_component(InferenceComponentName=component.name)
        base = base_of(described)
        serving = sagemaker.describe_inference_component(InferenceComponentName=base) if base else described
        container = container_of(sagemaker, serving_specification(serving))
    except ClientError as fault:
        if is_missing(fault):
            raise OperationError(
                f"{error_message(fault)} It belongs to component {component.name!r} in {aws.region}: `replicas status "
                f"{deployed.name}` shows what there is"
            ) from None
        raise
    image, variables = container.get("Image", ""), container.get("Environment", {})
    dialect = _dialect(image, variables)
    return Target(deployed.endpoint_name, component.name, image, model_of(variables, image), dialect, base)


def base_of(described: Mapping[str, Any]) -> str | None:
    """The component whose copies serve an adapter; None for a component with copies of its own."""
    base = described.get("Specification", {}).get("BaseInferenceComponentName")
    return str(base) if base else None


def serving_specification(described: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the copies of a component run. Of several, one for each instance type, that of the type with most copies."""
    placed = copies_by_type(described)
    return max(specifications_of(described), key=lambda one: placed.get(one.get("InstanceType", ""), 0))


def specifications_of(described: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One, or one for each instance type that the component's instances are pooled of."""
    return described.get("Specifications") or [described.get("Specification", {})]


def copies_by_type(described: Mapping[str, Any]) -> dict[str, int]:
    """Copies that run on each type of a component's instance pools, types without left out; empty without pools."""
    entries = described.get("RuntimeConfig", {}).get("PlacementStatus", ())
    return {entry["InstanceType"]: entry["CurrentCopyCount"] for entry in entries if entry.get("CurrentCopyCount")}


def container_of(sagemaker: Any, specification: Mapping[str, Any]) -> dict[str, Any]:
    """Image and variables of a component: its own container's, or its model's."""
    if "ModelName" not in specification:
        own = dict(specification.get("Container", {}))
        image = own.get("DeployedImage", {}).get("SpecifiedImage", own.get("Image", ""))
        return {**own, "Image": image}
    model = sagemaker.describe_model(ModelName=specification["ModelName"])
    return dict(model.get("PrimaryContainer") or model["Containers"][0])


def is_missing(fault: ClientError) -> bool:
    """True where SageMaker says that a thing does not exist."""
    return error_code(fault) == "ValidationException" and "Could not find" in error_message(fault)


def _dialect(image: str, variables: Mapping[str, str]) -> Dialect:
    dialect = dialect_of_image(image, variables)
    if dialect is None:
        known = ", ".join(kind.title for kind in engine_kinds().values())
        raise OperationError(
            f"image {image.rpartition('/')[2] or '?'}: not known how its engine is asked (known: {known})"
        )
    return dialect
