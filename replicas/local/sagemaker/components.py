"""Inference components: copies of a model that are placed, started, rolled and deleted."""

from __future__ import annotations

import hashlib
from typing import Any

from replicas.local.faults import FaultKind
from replicas.local.sagemaker import durations
from replicas.local.sagemaker.base import exists, not_found, page, refused, when
from replicas.local.sagemaker.destinations import Destination, ServingCopy
from replicas.local.sagemaker.endpoints import Endpoints
from replicas.local.sagemaker.models import check_environment
from replicas.local.sagemaker.state import Component, Endpoint, Specification
from replicas.local.service import ACCOUNT, Answer, Parameters, ServiceError

_COMPONENT_VARIABLES = 16
NO_CAPACITY = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if "
    "configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."
)

NO_COMPONENT_NAMED = (
    "Inference Component Name header is required for endpoints to which you plan to deploy inference components. "
    "Please include Inference Component Name header or consider using SageMaker models."
)


class Components(Endpoints):
    """The operations on inference components, and where their requests go."""

    def create_inference_component(self, params: Parameters) -> Answer:  # noqa: D102 (named like the operation)
        with self.now() as now:
            name = params["InferenceComponentName"]
            arn = self.arn("inference-component", name)
            if name in self.hosting.components:
                raise exists("inference component", arn)
            endpoint = self.endpoint(params["EndpointName"])
            if endpoint.status != "InService":
                raise refused(f"Endpoint {endpoint.name} is {endpoint.status}, not InService.")
            request = _one_specification(params)
            base = request.get("BaseInferenceComponentName")
            desired = params.get("RuntimeConfig", {}).get("CopyCount", 1)
            if base is None:
                self._check_base(params, endpoint, request)
                if desired < 1:
                    raise refused("Inference components copy count an integer larger than 0")
            else:
                self._check_adapter(base, endpoint, request)
            component = Component(
                name,
                arn,
                endpoint.name,
                params.get("VariantName", endpoint.variant_name),
                created=now,
                modified=now,
                status="Creating",
                desired=desired if base is None else 0,
                specifications=[self._specification(request, now)],
                base=base,
                due=None if base is None else now + self.surroundings.clock.here(durations.ADAPTER_START),
            )
            self.hosting.components[name] = component
            self.tag(arn, params.get("Tags"))
            return {"InferenceComponentArn": arn}

    def update_inference_component(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now() as now:
            component = self._idle(params["InferenceComponentName"])
            before = (component.version, component.desired)
            if "Specification" in params or "Specifications" in params:
                request = _one_specification(params)
                if request.get("BaseInferenceComponentName") != component.base:
                    raise refused("BaseInferenceComponentName cannot change.")
                if component.base is None:
                    self._check_base({}, self.endpoint(component.endpoint_name), request)
                component.specifications.append(self._specification(request, now))
                component.version = len(component.specifications) - 1
            count = params.get("RuntimeConfig", {}).get("CopyCount")
            component.desired = component.desired if count is None else count
            component.rolling = params.get("DeploymentConfig")
            component.previous, component.failure = before, None
            component.status, component.modified = "Updating", now
            return {"InferenceComponentArn": component.arn}

    def update_inference_component_runtime_config(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now() as now:
            component = self._idle(params["InferenceComponentName"])
            if component.base is not None:
                raise refused("An adapter has no copies of its own.")
            component.previous, component.failure = (component.version, component.desired), None
            component.desired = params["DesiredRuntimeConfig"]["CopyCount"]
            component.status, component.modified = "Updating", now
            return {"InferenceComponentArn": component.arn}

    def describe_inference_component(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now():
            component = self.component(params["InferenceComponentName"])
            endpoint = self.hosting.endpoints[component.endpoint_name]
            answer: Answer = {
                **_summary(component, endpoint),
                "Specification": _told(component),
            }
            if component.base is None:
                answer["RuntimeConfig"] = {
                    "DesiredCopyCount": component.desired,
                    "CurrentCopyCount": len(component.running),
                }
            if component.failure:
                answer["FailureReason"] = component.failure
            if component.last_deployment or component.rolling:
                answer["LastDeploymentConfig"] = component.rolling or component.last_deployment
            return answer

    def list_inference_components(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now():
            entries = [
                _summary(component, self.hosting.endpoints[component.endpoint_name])
                for component in self.hosting.components.values()
                if params.get("EndpointNameEquals", component.endpoint_name) == component.endpoint_name
                and params.get("VariantNameEquals", component.variant_name) == component.variant_name
                and params.get("StatusEquals", component.status) == component.status
            ]
        sort = {"Status": lambda entry: entry["InferenceComponentStatus"]}
        return page(entries, params, "InferenceComponents", name="InferenceComponentName", sort=sort)

    def delete_inference_component(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now() as now:
            component = self.component(params["InferenceComponentName"])
            if component.status in ("Creating", "Updating", "Deleting"):
                raise refused(f'Cannot delete inference component "{component.arn}" while it is {component.status}.')
            adapters = [other.name for other in self.hosting.components.values() if other.base == component.name]
            if adapters:
                raise refused(f"Inference component {component.name} has adapters: {', '.join(adapters)}.")
            slow = self.surroundings.faults.strike(FaultKind.SLOW_DELETION, component.name)
            seconds = durations.COMPONENT_DELETION + (slow.seconds if slow else 0)
            component.status, component.modified = "Deleting", now
            component.due, component.copies = now + self.surroundings.clock.here(seconds), []
            return {}

    def component(self, name: str) -> Component:
        """An inference component by name."""
        if name not in self.hosting.components:
            raise not_found("inference component", self.arn("inference-component", name))
        return self.hosting.components[name]

    def route(self, endpoint_name: str, component_name: str | None) -> Destination:
        """The copies that can answer a request, for the data plane.

        Raises:
            ServiceError: as SageMaker Runtime answers: a wrong name, no component named, nothing in service, no copy.

        """
        with self.now():
            endpoint = self.hosting.endpoints.get(endpoint_name)
            if endpoint is None:
                raise _invalid(f"Endpoint {endpoint_name} of account {ACCOUNT} not found.")
            if endpoint.status not in ("InService", "Updating"):
                raise _invalid(f"Endpoint {endpoint_name} is {endpoint.status}, not in service.")
            if component_name is None:
                raise _invalid(NO_COMPONENT_NAMED)
            component = self.hosting.components.get(component_name)
            if component is None or component.endpoint_name != endpoint_name:
                raise _invalid(f"Inference Component {component_name} of endpoint {endpoint_name} not found.")
            serving = component if component.base is None else self.hosting.components[component.base]
            if not serving.running:
                raise _invalid(NO_CAPACITY)
            strategy = endpoint.variant.get("RoutingConfig", {}).get("RoutingStrategy", "RANDOM")
            types = {machine.id: machine.instance_type for machine in endpoint.machines}
            return Destination(
                strategy,
                tuple(
                    ServingCopy(
                        id=copy.id,
                        endpoint_name=endpoint.name,
                        component_name=serving.name,
                        variant_name=serving.variant_name,
                        instance_id=copy.machine_id,
                        image=serving.specifications[copy.version].image,
                        environment=serving.specifications[copy.version].environment,
                        instance_type=types[copy.machine_id],
                        accelerators=serving.specifications[copy.version].need.accelerators,
                    )
                    for copy in serving.running
                ),
            )

    def _idle(self, name: str) -> Component:
        component = self.component(name)
        if component.status != "InService":
            raise refused(f'Cannot update inference component "{component.arn}" while it is {component.status}.')
        return component

    def _check_base(self, params: Parameters, endpoint: Endpoint, request: dict[str, Any]) -> None:
        problems = []
        if params.get("VariantName", endpoint.variant_name) != endpoint.variant_name:
            problems.append(f"Variant {params['VariantName']} does not exist on endpoint {endpoint.name}.")
        if ("ModelName" in request) == ("Container" in request):
            problems.append("Exactly one of ModelName and Container must be given.")
        compute = request.get("ComputeResourceRequirements")
        if compute is None:
            problems.append("ComputeResourceRequirements is required.")
        elif compute.get("NumberOfAcceleratorDevicesRequired", 1) % 1:
            problems.append("NumberOfAcceleratorDevicesRequired must be a whole number.")
        container = request.get("Container", {})
        if container and "Image" not in container:
            problems.append("Container.Image is required.")
        if problems:
            raise refused(" ".join(problems))
        check_environment(container.get("Environment", {}), _COMPONENT_VARIABLES)

    def _check_adapter(self, base: str, endpoint: Endpoint, request: dict[str, Any]) -> None:
        on = self.component(base)
        if on.endpoint_name != endpoint.name or on.status != "InService":
            raise refused(f"Base inference component {base} is not in service on endpoint {endpoint.name}.")
        if "ComputeResourceRequirements" in request or "ArtifactUrl" not in request.get("Container", {}):
            raise refused("An adapter names Container.ArtifactUrl and no ComputeResourceRequirements.")

    def _specification(self, request: dict[str, Any], now: float) -> Specification:
        if "ModelName" in request:
            model = self.model(request["ModelName"]).request
            container = model.get("PrimaryContainer") or model["Containers"][0]
        else:
            container = request["Container"]
        return Specification(request, container.get("Image", ""), dict(container.get("Environment", {})), now)


def _one_specification(params: Parameters) -> dict[str, Any]:
    if ("Specification" in params) == ("Specifications" in params):
        raise refused("Exactly one of Specification and Specifications must be given.")
    if "Specifications" in params:
        raise refused("The embedded AWS has no instance pools: Specification, not Specifications.")
    specification: dict[str, Any] = params["Specification"]
    return specification


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationError", message)


def _summary(component: Component, endpoint: Endpoint) -> Answer:
    return {
        "InferenceComponentName": component.name,
        "InferenceComponentArn": component.arn,
        "EndpointArn": endpoint.arn,
        "EndpointName": component.endpoint_name,
        "VariantName": component.variant_name,
        "InferenceComponentStatus": component.status,
        "CreationTime": when(component.created),
        "LastModifiedTime": when(component.modified),
    }


def _told(component: Component) -> Answer:
    """The specification as described: with the image that was resolved from the one asked for."""
    specification = component.specification
    told: Answer = {key: value for key, value in specification.request.items() if key != "Container"}
    image = specification.image
    if not image:  # an adapter runs in its base's container
        return {**told, "Container": dict(specification.request["Container"])}
    digest = hashlib.sha256(image.encode()).hexdigest()
    repository = image.rpartition(":")[0] if ":" in image.rpartition("/")[2] else image
    deployed = {
        "SpecifiedImage": image,
        "ResolvedImage": f"{repository}@sha256:{digest}",
        "ResolutionTime": when(specification.resolved_at),
    }
    own = {key: value for key, value in specification.request.get("Container", {}).items() if key != "Image"}
    return {**told, "Container": {**own, "DeployedImage": deployed}}
