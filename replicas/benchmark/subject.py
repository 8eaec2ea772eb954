"""Facts about the measured component, stored with a result so that results can be compared."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from replicas.aws.deployed import Deployed, DeployedComponent
from replicas.aws.instances import groups_of
from replicas.aws.session import Aws
from replicas.aws.target import find_target
from replicas.catalogue.tasks import Task
from replicas.errors import OperationError
from replicas.installation import __version__

_LIBRARIES = ("boto3", "locust")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The measured component and its endpoint, as they were at the start of the benchmark."""

    deployment: str
    region: str
    endpoint: str
    component: str
    image: str
    model: str | None
    dialect: str
    copies: int
    """Number of running copies; for an adapter, of its base component."""
    instance_type: str
    """Types of the running instances, joined by "and" if instance pools gave several."""
    instances: int
    usd_per_hour: float | None
    """Indicative price of all instances of the endpoint."""
    template_sha256: str | None
    """SHA-256 of the stack's template; None for an endpoint found with --endpoint."""
    label: str | None = None
    """Label of the component in its stack's outputs; for an adapter, the label of its base component."""
    task: Task = "generate"
    """Task of the component: generated text, embeddings or scores."""
    routing: str = "RANDOM"
    """Routing strategy of the endpoint; RANDOM is SageMaker's default."""


def find_subject(aws: Aws, deployed: Deployed, component: DeployedComponent) -> Subject:
    """Describe a component before it is measured.

    Raises:
        OperationError: the endpoint is not in service, or no copy of the component runs.

    """
    target = find_target(aws, deployed, component)
    sagemaker = aws.client("sagemaker")
    endpoint = sagemaker.describe_endpoint(EndpointName=target.endpoint_name)
    described = sagemaker.describe_inference_component(InferenceComponentName=target.serving_name)
    copies = described.get("RuntimeConfig", {}).get("CurrentCopyCount", 0)
    if endpoint["EndpointStatus"] not in ("InService", "Updating") or not copies:
        raise OperationError(
            f"endpoint {target.endpoint_name} is {endpoint['EndpointStatus']} and component {component.label} runs "
            f"{copies} copies: it cannot be measured yet; `replicas status {deployed.name}` shows more"
        )
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    group = next(groups_of(endpoint, config))
    return Subject(
        deployment=deployed.name,
        region=aws.region,
        endpoint=target.endpoint_name,
        component=target.component_name,
        image=target.image,
        model=target.model,
        dialect=target.dialect.name,
        task=target.task,
        copies=copies,
        instance_type=" and ".join(group.running) or group.types[0],
        instances=sum(group.running.values()),
        usd_per_hour=group.usd_per_hour(aws.region),
        template_sha256=_template_hash(aws, deployed.stack_id),
        label=next(
            (other.label for other in deployed.components if other.name == target.serving_name), component.label
        ),
        routing=config["ProductionVariants"][0].get("RoutingConfig", {}).get("RoutingStrategy", "RANDOM"),
    )


def versions() -> dict[str, str]:
    """Return the versions of this project and of the libraries that send the load."""
    installed = {"replicas": __version__}
    for name in _LIBRARIES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            installed[name] = "not installed"
    return installed


def plan_of(name: str) -> dict[str, Any] | None:
    """Return the plan of a deployment in the current folder's `deployments.py`; None if it cannot be planned."""
    from replicas.deployment.file import find_deployment
    from replicas.errors import ReplicasError
    from replicas.planning.planner import plan

    try:
        return plan(find_deployment(name)).to_document()
    except ReplicasError:
        return None


def _template_hash(aws: Aws, stack_id: str | None) -> str | None:
    if stack_id is None:
        return None
    body = aws.client("cloudformation").get_template(StackName=stack_id)["TemplateBody"]
    text = body if isinstance(body, str) else json.dumps(body, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
