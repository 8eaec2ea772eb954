"""Operations on endpoints, whose instances host inference components."""

from __future__ import annotations

from collections import Counter
from typing import Any

from embedded_aws.evidence import ASSUMED, quoted
from embedded_aws.faults import FaultKind
from embedded_aws.sagemaker import durations
from embedded_aws.sagemaker.base import exists, not_found, page, refused, when
from embedded_aws.sagemaker.enforcement import check_endpoint
from embedded_aws.sagemaker.models import Configs
from embedded_aws.sagemaker.state import Endpoint, Machine, instance_types_of
from embedded_aws.service import Answer, Parameters

HAS_COMPONENTS = (
    "Cannot delete endpoint with inference component associated. Please delete inference component and try it again."
)


class Endpoints(Configs):
    """Implements CreateEndpoint, UpdateEndpoint, DescribeEndpoint, ListEndpoints and DeleteEndpoint."""

    def create_endpoint(self, params: Parameters) -> Answer:  # noqa: D102 (named like the operation)
        with self.now() as now:
            name = params["EndpointName"]
            arn = self.arn("endpoint", name)
            if name in self.hosting.endpoints:
                raise exists("endpoint", arn)
            config = self.config(params["EndpointConfigName"])
            variant = config.request["ProductionVariants"][0]
            check_endpoint(name, config.request, self.surroundings.region)
            self.check_alarms(params.get("DeploymentConfig", {}))
            ready = now + self.surroundings.clock.here(durations.INSTANCE_START)
            machines = _machines(variant, ready)
            self.hosting.endpoints[name] = Endpoint(
                name, arn, config.name, variant, now, now, "Creating", machines, due=ready
            )
            self.tag(arn, params.get("Tags"))
        self.keep_ticking()
        return {"EndpointArn": arn}

    def update_endpoint(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now() as now:
            endpoint = self.endpoint(params["EndpointName"])
            if endpoint.status != "InService":
                raise refused(f'Cannot update endpoint "{endpoint.arn}" while it is {endpoint.status}.', ASSUMED)
            self.config(endpoint.config_name)  # an update fails if the current configuration was deleted
            config = self.config(params["EndpointConfigName"])
            variant = config.request["ProductionVariants"][0]
            if variant["VariantName"] != endpoint.variant_name and self.hosting.components_of(endpoint):
                raise refused(
                    f"Variant {endpoint.variant_name} has inference components and cannot be removed.", ASSUMED
                )
            check_endpoint(endpoint.name, config.request, self.surroundings.region)
            self.check_alarms(params.get("DeploymentConfig", {}))
            ready = now + self.surroundings.clock.here(durations.INSTANCE_START)
            endpoint.pool = 0
            endpoint.next_config = (config.name, variant, _machines(variant, ready))
            endpoint.status, endpoint.due, endpoint.failure, endpoint.modified = "Updating", ready, None, now
            return {"EndpointArn": endpoint.arn}

    def describe_endpoint(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now() as now:
            endpoint = self.endpoint(params["EndpointName"])
            answer: Answer = {
                "EndpointName": endpoint.name,
                "EndpointArn": endpoint.arn,
                "EndpointConfigName": endpoint.config_name,
                "EndpointStatus": endpoint.status,
                "CreationTime": when(endpoint.created),
                "LastModifiedTime": when(endpoint.modified),
            }
            if endpoint.failure:
                answer["FailureReason"] = endpoint.failure
            if endpoint.status != "Creating":
                answer["ProductionVariants"] = [_variant(endpoint, now)]
            return answer

    def list_endpoints(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now():
            entries: list[Answer] = [
                {
                    "EndpointName": endpoint.name,
                    "EndpointArn": endpoint.arn,
                    "CreationTime": when(endpoint.created),
                    "LastModifiedTime": when(endpoint.modified),
                    "EndpointStatus": endpoint.status,
                }
                for endpoint in self.hosting.endpoints.values()
                if params.get("StatusEquals", endpoint.status) == endpoint.status
            ]
        sort = {"Status": lambda entry: entry["EndpointStatus"]}
        return page(entries, params, "Endpoints", name="EndpointName", sort=sort)

    def delete_endpoint(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now() as now:
            endpoint = self.endpoint(params["EndpointName"])
            if endpoint.status in ("Creating", "Updating", "Deleting"):
                raise refused(f'Cannot delete endpoint "{endpoint.arn}" while it is {endpoint.status}.', ASSUMED)
            # Strict interpretation: in one public measurement the deletion succeeded, but other users got this message.
            if self.hosting.components_of(endpoint):
                raise refused(HAS_COMPONENTS, quoted("gruntwork-io/cloud-nuke, pull request 1142"))
            slow = self.surroundings.faults.strike(FaultKind.SLOW_DELETION, endpoint.name)
            seconds = durations.ENDPOINT_DELETION + (slow.seconds if slow else 0)
            endpoint.status, endpoint.due = "Deleting", now + self.surroundings.clock.here(seconds)
            return {}

    def endpoint(self, name: str) -> Endpoint:
        """Return an endpoint by name."""
        if name not in self.hosting.endpoints:
            raise not_found("endpoint", self.arn("endpoint", name))
        return self.hosting.endpoints[name]


def _machines(variant: dict[str, Any], ready_at: float) -> list[Machine]:
    first = instance_types_of(variant)[0]
    return [Machine(first, ready_at) for _ in range(variant["InitialInstanceCount"])]


def _variant(endpoint: Endpoint, now: float) -> Answer:
    up = [machine for machine in endpoint.machines if machine.ready_at <= now]
    answer: Answer = {
        "VariantName": endpoint.variant_name,
        "CurrentInstanceCount": len(up),
        "DesiredInstanceCount": len(endpoint.machines),
    }
    for name in ("ManagedInstanceScaling", "RoutingConfig", "CapacityReservationConfig"):
        if name in endpoint.variant:
            answer[name] = endpoint.variant[name]
    if "InstancePools" in endpoint.variant:
        counts = Counter(machine.instance_type for machine in up)
        answer["InstancePools"] = [
            {"InstanceType": name, "CurrentInstanceCount": counts[name]} for name in endpoint.instance_types
        ]
    return answer
