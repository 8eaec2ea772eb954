"""The engine and the model of an inference component, from its container's image and environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from replicas.aws.deployed import Deployed, DeployedComponent
from replicas.aws.session import Aws, error_code, error_message
from replicas.catalogue.models import Model, find_model
from replicas.catalogue.tasks import Task
from replicas.engines import Dialect, dialect_of_image, engine_kinds, engine_of_image, model_of
from replicas.errors import OperationError


@dataclass(frozen=True)
class Target:
    """An inference component that can be invoked, with the request format of its engine."""

    endpoint_name: str
    component_name: str
    image: str
    model: str | None
    """Hub repository or path in the container's environment; None if no variable sets it."""
    dialect: Dialect
    task: Task = "generate"
    """Task of the engine: text, embeddings or scores."""
    base_name: str | None = None
    """For an adapter only: name of the component whose copies serve the adapter."""

    @property
    def serving_name(self) -> str:
        """Name of the component that has the copies.

        For an adapter this is its base component, otherwise the component itself.
        """
        return self.base_name or self.component_name


def find_target(aws: Aws, deployed: Deployed, component: DeployedComponent) -> Target:
    """Look up the model and the request format of a component.

    An adapter takes the same requests as its base component. The component name alone selects the adapter: SageMaker
    passes it to the container, and the engine uses it as the `model` field.

    Raises:
        OperationError: the component no longer exists, or the request format of its image is not known.

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
                f"{error_message(fault)} The error concerns component {component.name!r} in {aws.region}: "
                f"`replicas status "
                f"{deployed.name}` shows the existing components"
            ) from None
        raise
    image, variables = container.get("Image", ""), container.get("Environment", {})
    model = model_of(variables, image)
    task = _task(image, variables, model)
    return Target(
        deployed.endpoint_name, component.name, image, model, _dialect(image, variables), task=task, base_name=base
    )


def base_of(described: Mapping[str, Any]) -> str | None:
    """Return the name of the base component of an adapter; None for a component with its own copies."""
    base = described.get("Specification", {}).get("BaseInferenceComponentName")
    return str(base) if base else None


def serving_specification(described: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the specification of the running copies.

    If the component has one specification per instance type, return the specification of the type with most copies.
    """
    placed = copies_by_type(described)
    return max(
        specifications_of(described), key=lambda specification: placed.get(specification.get("InstanceType", ""), 0)
    )


def specifications_of(described: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return all specifications of a component: one, or one per instance type if the variant has instance pools."""
    return described.get("Specifications") or [described.get("Specification", {})]


def copies_by_type(described: Mapping[str, Any]) -> dict[str, int]:
    """Return the number of running copies by instance type, without types that have none.

    The result is empty if the variant has no instance pools.
    """
    entries = described.get("RuntimeConfig", {}).get("PlacementStatus", ())
    return {entry["InstanceType"]: entry["CurrentCopyCount"] for entry in entries if entry.get("CurrentCopyCount")}


def container_of(sagemaker: Any, specification: Mapping[str, Any]) -> dict[str, Any]:
    """Return the container definition in a specification, or in the Model that the specification names."""
    if "ModelName" not in specification:
        own = dict(specification.get("Container", {}))
        image = own.get("DeployedImage", {}).get("SpecifiedImage", own.get("Image", ""))
        return {**own, "Image": image}
    model = sagemaker.describe_model(ModelName=specification["ModelName"])
    return dict(model.get("PrimaryContainer") or model["Containers"][0])


def is_missing(fault: ClientError) -> bool:
    """True if SageMaker's error means that the resource does not exist."""
    return error_code(fault) == "ValidationException" and "Could not find" in error_message(fault)


def _task(image: str, variables: Mapping[str, str], model: str | None) -> Task:
    """Return the task that the variables of a container set; if they set none, the task of the model."""
    kind, known = engine_of_image(image), known_model(model)
    own: Task = known.task if known else "generate"
    return kind.task(variables, own) if kind else own


def known_model(model: str | None) -> Model | None:
    """Return the model of a Hub repository; None if the model table does not contain the repository."""
    try:
        return find_model(model or "")
    except LookupError:
        return None


def _dialect(image: str, variables: Mapping[str, str]) -> Dialect:
    dialect = dialect_of_image(image, variables)
    if dialect is None:
        known = ", ".join(kind.title for kind in engine_kinds().values())
        raise OperationError(
            f"image {image.rpartition('/')[2] or '?'}: the request format of its engine is not known (known: {known})"
        )
    return dialect
