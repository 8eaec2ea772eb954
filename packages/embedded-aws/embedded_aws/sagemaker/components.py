"""Operations on inference components, and the routing of requests to their copies."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from embedded_aws.evidence import ASSUMED, Evidence, quoted
from embedded_aws.faults import FaultKind
from embedded_aws.sagemaker import durations
from embedded_aws.sagemaker.base import exists, not_found, page, refused, when
from embedded_aws.sagemaker.consolidation import forget
from embedded_aws.sagemaker.deployments import check_rollback
from embedded_aws.sagemaker.destinations import Destination, ServingCopy
from embedded_aws.sagemaker.endpoints import Endpoints
from embedded_aws.sagemaker.enforcement import check_component
from embedded_aws.sagemaker.state import Component, Endpoint, Specification, Version
from embedded_aws.service import ACCOUNT, Answer, Parameters, ServiceError

_PREFIX_LENGTH = 1_024
"""Default PrefixLength of prefix-aware routing, in characters: the smallest value that the API accepts."""
NO_CAPACITY = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if "
    "configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."
)

NO_COMPONENT_NAMED = (
    "Inference Component Name header is required for endpoints to which you plan to deploy inference components. "
    "Please include Inference Component Name header or consider using SageMaker models."
)


class Components(Endpoints):
    """The operations on inference components, and `route` for the data plane."""

    def create_inference_component(self, params: Parameters) -> Answer:  # noqa: D102 (named like the operation)
        with self.now() as now:
            name = params["InferenceComponentName"]
            arn = self.arn("inference-component", name)
            if name in self.hosting.components:
                raise exists("inference component", arn)
            endpoint = self.endpoint(params["EndpointName"])
            if endpoint.status != "InService":
                raise refused(f"Endpoint {endpoint.name} is {endpoint.status}, not InService.", ASSUMED)
            base = params.get("Specification", {}).get("BaseInferenceComponentName")
            if base is not None:
                self._check_base(base, endpoint)
            check_component("CreateInferenceComponent", params, endpoint, self.hosting, self.surroundings.region)
            requests = params.get("Specifications") or [params["Specification"]]
            desired = params.get("RuntimeConfig", {}).get("CopyCount", 1)
            component = Component(
                name,
                arn,
                endpoint.name,
                params.get("VariantName", endpoint.variant_name),
                created=now,
                modified=now,
                status="Creating",
                desired=desired if base is None else 0,
                versions=[self._version(requests, now)],
                base=base,
                due=None if base is None else now + self.surroundings.clock.here(durations.ADAPTER_START),
            )
            self.hosting.components[name] = component
            self.tag(arn, params.get("Tags"))
            return {"InferenceComponentArn": arn}

    def update_inference_component(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now() as now:
            component = self._idle(params["InferenceComponentName"])
            count = params.get("RuntimeConfig", {}).get("CopyCount")
            desired = component.desired if count is None else count
            deployment = params.get("DeploymentConfig")
            if deployment:
                check_rollback(deployment, desired)
                self.check_alarms(deployment)
            self._check_update(component, params, desired)
            before = (component.version, component.desired)
            if "Specification" in params or "Specifications" in params:
                requests = params.get("Specifications") or [params["Specification"]]
                if requests[0].get("BaseInferenceComponentName") != component.base:
                    raise refused("BaseInferenceComponentName cannot change.", ASSUMED)
                if component.base is not None:
                    self._check_base(component.base, self.endpoint(component.endpoint_name))
                component.versions.append(self._version(requests, now))
                component.version = len(component.versions) - 1
            forget(component)
            component.desired, component.previous, component.failure = desired, before, None
            component.rolling, component.rolling_until = deployment, None
            longest = (deployment or {}).get("RollingUpdatePolicy", {}).get("MaximumExecutionTimeoutInSeconds")
            if longest is not None:
                component.rolling_until = now + self.surroundings.clock.here(longest)
            component.status, component.modified = "Updating", now
            return {"InferenceComponentArn": component.arn}

    def update_inference_component_runtime_config(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now() as now:
            component = self._idle(params["InferenceComponentName"])
            if component.base is not None:
                raise refused("An adapter has no copies.", ASSUMED)
            forget(component)
            component.previous, component.failure = (component.version, component.desired), None
            component.desired = params["DesiredRuntimeConfig"]["CopyCount"]
            component.status, component.modified = "Updating", now
            return {"InferenceComponentArn": component.arn}

    def describe_inference_component(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now():
            component = self.component(params["InferenceComponentName"])
            endpoint = self.hosting.endpoints[component.endpoint_name]
            answer: Answer = _summary(component, endpoint)
            specifications = [_described(specification) for specification in component.target_version.specifications]
            if specifications[0].get("InstanceType"):
                answer["Specifications"] = specifications
            else:
                answer["Specification"] = specifications[0]
            if component.base is None:
                answer["RuntimeConfig"] = _runtime(component, endpoint)
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
                raise refused(
                    f'Cannot delete inference component "{component.arn}" while it is in state {_state(component)}.',
                    quoted("huggingface/skills, hf-cloud-sagemaker-production-defaults"),
                )
            adapters = [other.name for other in self.hosting.components.values() if other.base == component.name]
            if adapters:
                raise refused(f"Inference component {component.name} has adapters: {', '.join(adapters)}.", ASSUMED)
            slow = self.surroundings.faults.strike(FaultKind.SLOW_DELETION, component.name)
            seconds = durations.COMPONENT_DELETION + (slow.seconds if slow else 0)
            component.status, component.modified = "Deleting", now
            component.due, component.copies = now + self.surroundings.clock.here(seconds), []
            return {}

    def component(self, name: str) -> Component:
        """Return an inference component by name."""
        if name not in self.hosting.components:
            raise not_found("inference component", self.arn("inference-component", name))
        return self.hosting.components[name]

    def route(self, endpoint_name: str, component_name: str | None) -> Destination:
        """Return the copies that can answer a request, for the data plane.

        Raises:
            ServiceError: SageMaker Runtime's error for an unknown endpoint or component, a request without a component,
                an endpoint that is not in service, or a component without running copies.

        """
        with self.now():
            endpoint = self.hosting.endpoints.get(endpoint_name)
            if endpoint is None:
                raise _invalid(f"Endpoint {endpoint_name} of account {ACCOUNT} not found.", ASSUMED)
            if endpoint.status not in ("InService", "Updating"):
                raise _invalid(f"Endpoint {endpoint_name} is {endpoint.status}, not in service.", ASSUMED)
            if component_name is None:
                raise _invalid(NO_COMPONENT_NAMED, quoted("aws-samples/amazon-kendra-langchain-extensions, issue 64"))
            component = self.hosting.components.get(component_name)
            if component is None or component.endpoint_name != endpoint_name:
                raise _invalid(f"Inference Component {component_name} of endpoint {endpoint_name} not found.", ASSUMED)
            serving = component if component.base is None else self.hosting.components[component.base]
            if not serving.running:
                self.telemetry.no_capacity(component_name)
                raise _invalid(NO_CAPACITY, quoted("aws/amazon-sagemaker-examples, notebooks on scaling to zero"))
            routing = endpoint.variant.get("RoutingConfig", {})
            prefix = routing.get("PrefixAwareRoutingConfig", {})
            types = {machine.id: machine.instance_type for machine in endpoint.machines}
            return Destination(
                routing.get("RoutingStrategy", "RANDOM"),
                tuple(
                    ServingCopy(
                        id=copy.id,
                        endpoint_name=endpoint.name,
                        component_name=serving.name,
                        variant_name=serving.variant_name,
                        instance_id=copy.machine_id,
                        image=copy.specification.image,
                        environment=copy.specification.environment,
                        instance_type=types[copy.machine_id],
                        accelerators=copy.specification.need.accelerators,
                        weights=copy.specification.weights,
                    )
                    for copy in serving.running
                ),
                prefix_length=prefix.get("PrefixLength", _PREFIX_LENGTH),
                concurrency_threshold=prefix.get("ConcurrencyThreshold"),
            )

    def _idle(self, name: str) -> Component:
        component = self.component(name)
        if component.status != "InService":
            raise refused(
                f'Cannot update inference component "{component.arn}" while it is in state {_state(component)}.',
                ASSUMED,
            )
        return component

    def _check_update(self, component: Component, params: Parameters, desired: int) -> None:
        """Check the updated component against the rules that AWS enforces in UpdateInferenceComponent."""
        current = [specification.request for specification in component.target_version.specifications]
        forms = {"Specification": current[0]} if len(current) == 1 else {"Specifications": current}
        forms = {key: params[key] for key in ("Specification", "Specifications") if key in params} or forms
        request = {
            "InferenceComponentName": component.name,
            "EndpointName": component.endpoint_name,
            "VariantName": component.variant_name,
            "RuntimeConfig": {"CopyCount": desired},
            **forms,
            **{key: params[key] for key in ("DeploymentConfig",) if key in params},
        }
        endpoint = self.endpoint(component.endpoint_name)
        check_component("UpdateInferenceComponent", request, endpoint, self.hosting, self.surroundings.region)

    def _check_base(self, base: str, endpoint: Endpoint) -> None:
        component = self.component(base)
        if component.endpoint_name != endpoint.name or component.status != "InService":
            raise refused(f"Base inference component {base} is not in service on endpoint {endpoint.name}.", ASSUMED)

    def _version(self, requests: list[dict[str, Any]], now: float) -> Version:
        made = []
        for request in requests:
            if "ModelName" in request:
                model = self.model(request["ModelName"]).request
                container = model.get("PrimaryContainer") or model["Containers"][0]
            else:
                container = request["Container"]
            source = container.get("ModelDataSource", {}).get("S3DataSource", {})
            made.append(
                Specification(
                    request,
                    container.get("Image", ""),
                    dict(container.get("Environment", {})),
                    now,
                    instance_type=request.get("InstanceType"),
                    weights=source.get("S3Uri"),
                )
            )
        return Version(made)


def _state(component: Component) -> str:
    """Return a component's status as SageMaker's error messages name it.

    UPDATE_RC_IN_PROGRESS means that only the runtime configuration, the number of copies, is changing.
    """
    states = {"Creating": "CREATE_IN_PROGRESS", "Updating": "UPDATE_IN_PROGRESS", "Deleting": "DELETE_IN_PROGRESS"}
    state = states.get(component.status, component.status.upper())
    if component.status == "Updating" and component.previous and component.previous[0] == component.version:
        return "UPDATE_RC_IN_PROGRESS"
    return state


def _invalid(message: str, evidence: Evidence) -> ServiceError:
    return ServiceError("ValidationError", message, evidence)


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


def _runtime(component: Component, endpoint: Endpoint) -> Answer:
    answer: Answer = {"DesiredCopyCount": component.desired, "CurrentCopyCount": len(component.running)}
    if len(endpoint.instance_types) > 1:
        types = {machine.id: machine.instance_type for machine in endpoint.machines}
        running = Counter(types[copy.machine_id] for copy in component.running)
        placed = [{"InstanceType": name, "CurrentCopyCount": running[name]} for name in endpoint.instance_types]
        answer["PlacementStatus"] = placed
    return answer


def _described(specification: Specification) -> Answer:
    """Return a specification as DescribeInferenceComponent returns it, with the resolved image."""
    answer: Answer = {key: value for key, value in specification.request.items() if key != "Container"}
    image = specification.image
    if not image:  # an adapter runs in the container of its base component
        return {**answer, "Container": dict(specification.request["Container"])}
    digest = hashlib.sha256(image.encode()).hexdigest()
    repository = image.rpartition(":")[0] if ":" in image.rpartition("/")[2] else image
    deployed = {
        "SpecifiedImage": image,
        "ResolvedImage": f"{repository}@sha256:{digest}",
        "ResolutionTime": when(specification.resolved_at),
    }
    own = {key: value for key, value in specification.request.get("Container", {}).items() if key != "Image"}
    return {**answer, "Container": {**own, "DeployedImage": deployed}}
